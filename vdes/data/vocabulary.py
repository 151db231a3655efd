"""The vocabulary of a datalist: its splits and the labels of an item."""

from __future__ import annotations

from typing import Literal

SECTIONS = ("training", "validation", "test")
LATERALITIES = ("L", "R")
VIEWS = ("CC", "MLO")
DENSITIES = ("a", "b", "c", "d")
# from the least to the most serious: a patient's worst finding is the last of these
PATHOLOGIES = ("normal", "benign", "malignant")
BIRADS = tuple(range(7))
MODALITIES = ("low_energy", "des")
DRAWN_ON = {"low_energy": "lesion_mask", "des": "des_lesion_mask"}  # the field of the mask of each
# what a prediction is about
LEVELS = ("image", "breast", "examination")
# of phantoms: how much low energy tells, see `vdes.phantom.worlds`
WorldName = Literal["shown", "told", "half", "untold"]
