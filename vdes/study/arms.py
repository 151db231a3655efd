"""The arms of the real-vs-virtual study: which images go into which classifier."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from vdes.study.contents import CONTENTS, LOW_ENERGY, REAL_DES, Inputs


@dataclass(frozen=True)
class Arm:
    """One arm.

    Attributes:
        arm: its id, which names its folder.
        label: its name for people.
        inputs: what the classifier sees: low_energy, des or both.
        content: what replaces the DES image, one of `vdes.study.contents.CONTENTS`; None if the classifier sees low
            energy alone.
        generator: the generator of the virtual images.
        classifier: real (trained on real images) or retrained (on images such as this arm's).
        reference: the arm that it is compared with.
    """

    arm: str
    label: str
    inputs: Inputs
    content: str | None
    generator: str | None = None
    classifier: Literal["real", "retrained"] = "real"
    reference: str | None = None

    @property
    def images(self) -> str:
        """Name of the images for the classifier: arms with the same name share a datalist and a retraining."""
        return f"virtual-{self.generator}" if self.generator else self.content or "real"

    def record(self) -> dict[str, Any]:
        """Return the arm as a dictionary for JSON."""
        return asdict(self)


def study_arms(generators: Sequence[str], retrained: bool = False, seen: Sequence[str] | None = None) -> list[Arm]:
    """Return the arms of a study, real ones first.

    They are the arms that a fair answer needs. Virtual DES is computed from low energy, so the controls are low energy
    itself, the same network with low energy twice, and with another patient's DES.

    Args:
        generators: names of the generators.
        retrained: include the arms whose classifier was retrained on their own images.
        seen: the inputs that the classifier's weights were trained with; arms that need others are left out. None means
            all.

    """
    arms = [arm for name in CONTENTS for arm in _arms_of(name, generators)]
    arms.insert(1, Arm(LOW_ENERGY, "low energy", "low_energy", None, reference=REAL_DES))
    if retrained:
        places = [place for place, arm in enumerate(arms) if arm.content and CONTENTS[arm.content].retrained]
        arms[places[-1] + 1 : places[-1] + 1] = [
            replace(arm, arm=f"{arm.arm}-retrained", label=f"{arm.label}, retrained", classifier="retrained")
            for arm in (arms[place] for place in places)
        ]
    if seen is None:
        return arms
    needed = {"low_energy": {"low_energy"}, "des": {"des"}, "both": {"low_energy", "des"}}
    return [arm for arm in arms if arm.classifier == "retrained" or needed[arm.inputs] <= set(seen)]


def _arms_of(name: str, generators: Sequence[str]) -> Iterator[Arm]:
    """Yield the arms of a content, for each generator if generators make it."""
    content = CONTENTS[name]
    for generator in generators if content.generated else (None,):
        for inputs, use in content.uses.items():
            place, label = (text.format(generator=generator) for text in (content.place, use.label))
            arm = f"low_energy+{place}" if inputs == "both" else place
            yield Arm(arm, label, inputs, name, generator, reference=use.reference)


def compared(arms: Sequence[Arm], known: Container[str], content: str | None = None) -> Iterator[tuple[Arm, str]]:
    """Yield the arms whose reference is among ``known``, with it; with ``content`` only those of this content."""
    for arm in arms:
        if arm.reference is not None and arm.reference in known and content in (None, arm.content):
            yield arm, arm.reference
