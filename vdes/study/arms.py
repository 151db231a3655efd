"""The arms of the real-vs-virtual study: which images go into which classifier."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

REAL_DES = "des"
REAL_BOTH = "low_energy+des"
LOW_ENERGY = "low_energy"


@dataclass(frozen=True)
class Arm:
    """One arm.

    Attributes:
        arm: its id, which names its folder.
        label: what people read.
        inputs: what the classifier sees: low_energy, des or both.
        content: what stands in the place of the DES image: real, virtual, low_energy (the low-energy image again) or
            shuffled (another patient's real DES); None where the classifier sees low energy alone.
        generator: that made the virtual images.
        classifier: real (trained on real images) or retrained (on images such as this arm's).
        reference: the arm that it is compared with.
    """

    arm: str
    label: str
    inputs: Literal["low_energy", "des", "both"]
    content: Literal["real", "virtual", "low_energy", "shuffled"] | None
    generator: str | None = None
    classifier: Literal["real", "retrained"] = "real"
    reference: str | None = None

    @property
    def images(self) -> str:
        """Name of what stands in the place of the DES image: arms of one name share a datalist and a retraining."""
        return f"virtual-{self.generator}" if self.generator else str(self.content)

    def record(self) -> dict[str, Any]:
        """Return the arm as a dictionary for JSON."""
        return asdict(self)


def study_arms(generators: Sequence[str], retrained: bool = False, seen: Sequence[str] | None = None) -> list[Arm]:
    """Return the arms of a study, real ones first.

    They are those that a fair answer needs (DES is a function of low energy, so low energy itself, the same network
    with low energy twice, and with another patient's DES are controls).

    Args:
        generators: names of the generators.
        retrained: also the arms whose classifier was retrained on their own images: the virtual ones and low energy
            twice. Another patient's DES has none: it asks whether the classifier looks at DES at all.
        seen: the inputs that the classifier's weights were trained with; arms that need another are left out. None is
            all.

    """
    arms = [
        Arm(REAL_DES, "real DES", "des", "real"),
        Arm(LOW_ENERGY, "low energy", "low_energy", None, reference=REAL_DES),
        Arm(REAL_BOTH, "low energy + real DES", "both", "real", reference=REAL_DES),
    ]
    for name in generators:
        arms += [
            Arm(f"virtual_des-{name}", f"virtual DES ({name})", "des", "virtual", name, reference=REAL_DES),
            Arm(
                f"low_energy+virtual_des-{name}",
                f"low energy + virtual DES ({name})",
                "both",
                "virtual",
                name,
                reference=REAL_BOTH,
            ),
        ]
    arms.append(Arm("low_energy+low_energy", "low energy twice", "both", "low_energy", reference=LOW_ENERGY))
    if retrained:
        arms += [
            Arm(
                f"{arm.arm}-retrained",
                f"{arm.label}, retrained",
                arm.inputs,
                arm.content,
                arm.generator,
                "retrained",
                arm.reference,
            )
            for arm in arms
            if arm.content in ("virtual", "low_energy")
        ]
    arms.append(
        Arm("low_energy+shuffled_des", "low energy + another patient's DES", "both", "shuffled", reference=REAL_BOTH)
    )
    if seen is None:
        return arms
    needed = {"low_energy": {"low_energy"}, "des": {"des"}, "both": {"low_energy", "des"}}
    return [arm for arm in arms if arm.classifier == "retrained" or needed[arm.inputs] <= set(seen)]


def compared(arms: Sequence[Arm], known: Container[str], content: str | None = None) -> Iterator[tuple[Arm, str]]:
    """Yield the arms whose reference is among ``known``, with it; with ``content`` those of this content alone."""
    for arm in arms:
        if arm.reference is not None and arm.reference in known and content in (None, arm.content):
            yield arm, arm.reference
