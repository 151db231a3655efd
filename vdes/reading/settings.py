"""Settings of the commands of a reader study, checked on construction."""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from vdes.errors import InputError
from vdes.reading.draw import MALIGNANT, class_counts
from vdes.reading.worklist import Design

MOST_READERS = 99


@dataclass(frozen=True)
class ReadingPlan:
    """Settings of a new reader study.

    Attributes:
        study: folder of a finished `vdes study`, whose test cases are read.
        output: folder of the reader study; it must be empty or not exist.
        readers: number of readers; they are called R1, R2, ...
        cases: number of cases: breasts, one per patient, each in both views.
        design: sequential (low energy alone, then together with DES; two sessions), crossover (three sessions that mix
            low energy alone, with real DES and with virtual DES) or independent (three sessions, one for each).
        generator: whose virtual DES images are read; by default that of the study's question.
        malignant_share: share of malignant cases.
        benign_share: share of benign cases; the rest have no lesion.
        repeat_share: share of the cases that each reader reads a second time, for the agreement within readers.
        choices: number of cases of the forced choice between real and virtual DES.
        quality: number of cases whose real and virtual DES are judged for quality.
        washout_days: days from the last answer of a session to the first of the next.
        margin: largest acceptable loss of AUC from real to virtual DES; fixed here.
        confidence: level of the two-sided intervals.
        power: desired power; the plan records the power of this size.
        auc: AUC that both real and virtual DES are expected to have; used for the power.
        fixed_readers: the answer is about these readers alone, not about readers in general.
        seed: seed of the draw and the reading orders.
    """

    study: Path
    output: Path
    readers: int = 4
    cases: int = 80
    design: Design = "sequential"
    generator: str | None = None
    malignant_share: float = 0.4
    benign_share: float = 0.2
    repeat_share: float = 0.1
    choices: int = 20
    quality: int = 20
    washout_days: float = 28.0
    margin: float = 0.05
    confidence: float = 0.95
    power: float = 0.8
    auc: float = 0.85
    fixed_readers: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            InputError: one is out of its range; the message names it.
        """
        fewest = 1 if self.fixed_readers else 2
        if not fewest <= self.readers <= MOST_READERS:
            raise InputError(
                f"readers: {self.readers}; expected {fewest} to {MOST_READERS}"
                + ("" if self.fixed_readers else " (1 only with fixed readers)")
            )
        if self.cases < 4:
            raise InputError(f"cases: {self.cases}; expected 4 or more")
        if self.design not in get_args(Design):
            raise InputError(f"design: {self.design!r}; expected one of {', '.join(get_args(Design))}")
        for name in ("malignant_share", "benign_share", "repeat_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}: {getattr(self, name)}; expected 0 to 1")
        if self.malignant_share + self.benign_share > 1:
            raise InputError(
                f"malignant_share, benign_share: {self.malignant_share:g} + {self.benign_share:g}; expected at most 1"
            )
        if not 2 <= self.counts[MALIGNANT] <= self.cases - 2:
            raise InputError(
                f"malignant_share: {self.malignant_share:g} of {self.cases} cases; expected two malignant and two "
                "other cases or more"
            )
        for name in ("choices", "quality", "washout_days", "seed"):
            if getattr(self, name) < 0:
                raise InputError(f"{name}: {getattr(self, name)}; expected 0 or more")
        if not 0.5 < self.auc < 1:
            raise InputError(f"auc: {self.auc}; expected a number between .5 and 1")
        for name in ("margin", "confidence", "power"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"{name}: {getattr(self, name)}; expected a number between 0 and 1")

    @property
    def counts(self) -> dict[str, int]:
        """How many cases of each class are read."""
        return class_counts(self.cases, self.malignant_share, self.benign_share)


@dataclass(frozen=True)
class Links:
    """Which links to make.

    Attributes:
        url: where the readers will find the server.
        reader: make a new link for these readers only, such as R2; by default for all. Their old links stop working.
        output: file for the links, which only its owner can read; by default links.txt in the folder.
    """

    url: str = "http://127.0.0.1:8000"
    reader: tuple[str, ...] = ()
    output: Path | None = None


@dataclass(frozen=True)
class Server:
    """How to serve a reader study.

    Attributes:
        host: address to listen on; any other than 127.0.0.1 needs TLS or a proxy.
        port: port to listen on; 0 takes a free one.
        tls_certificate: file (PEM) of the certificate and its chain.
        tls_key: file (PEM) of its key.
        behind_proxy: address that readers use if a proxy on this machine handles TLS, such as
            https://reading.example.org.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    behind_proxy: str | None = None

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            InputError: one cannot be used, or readers would connect over a network without TLS.
        """
        if not 0 <= self.port <= 65535:
            raise InputError(f"port: {self.port}; expected 0 to 65535")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise InputError("tls_certificate, tls_key: one of the two is missing; expected both or neither")
        if self.behind_proxy is not None:
            parts = urlsplit(self.behind_proxy)
            if parts.scheme != "https" or not parts.hostname or parts.path not in ("", "/"):
                raise InputError(
                    f"behind_proxy: {self.behind_proxy!r}; expected an address such as https://reading.example.org"
                )
        if not self.secure and not _is_loopback(self.host):
            raise InputError(
                f"host: {self.host}: readings would cross the network without TLS; pass --tls-certificate and "
                "--tls-key, or --behind-proxy with the address of the proxy that handles TLS"
            )

    @property
    def secure(self) -> bool:
        """Whether readers connect by TLS."""
        return self.tls_certificate is not None or self.behind_proxy is not None


@dataclass(frozen=True)
class AnalysisSettings:
    """Settings of an analysis.

    Attributes:
        output: folder for the tables; by default analysis in the reader study's folder. A file of readings needs one.
        arm: for a file of readings, the new modality. A reader study has the question in its plan.
        reference: for a file of readings, the modality that the new one is compared with.
        margin: for a file of readings, the largest acceptable loss of AUC; by default 0.05.
        covariance: how the covariances of the areas under the ROC curves are estimated.
        tolerance_mm: how far from a lesion a mark may lie and still count as on it.
        n_resamples: bootstrap samples behind the intervals of agreement, marks and features.
        seed: seed of the bootstrap.
        unfinished: analyse although readings are outstanding. This ends the blinding, and the report says so.
    """

    output: Path | None = None
    arm: str | None = None
    reference: str | None = None
    margin: float | None = None
    covariance: Literal["jackknife", "delong"] = "jackknife"
    tolerance_mm: float = 5.0
    n_resamples: int = 2000
    seed: int = 0
    unfinished: bool = False

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            InputError: one is out of its range; the message names it.
        """
        for name, least in (("tolerance_mm", 0), ("n_resamples", 1), ("seed", 0)):
            if not getattr(self, name) >= least:
                raise InputError(f"{name}: {getattr(self, name)}; expected {least} or more")


@dataclass(frozen=True)
class SimulatedReaders:
    """Settings of simulated readers.

    Attributes:
        virtual_noise: standard deviation of the noise that virtual DES adds to a lesion's enhancement score; that of
            the score itself within a class is 1. With 0, virtual DES shows as much as real DES.
        internal_noise: standard deviation of a reader's own noise, relative to that of the ideal observer's decision
            variable; it varies somewhat between readers.
        seed: seed of all random numbers.
    """

    virtual_noise: float = 1.0
    internal_noise: float = 0.6
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            InputError: one is out of its range; the message names it.
        """
        for name in ("virtual_noise", "internal_noise", "seed"):
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                raise InputError(f"{name}: {value}; expected 0 or more")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
