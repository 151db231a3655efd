"""The colours of a difference between a virtual and a real DES image."""

from __future__ import annotations

from matplotlib.colors import LinearSegmentedColormap

DIFFERENCE_RANGE = 0.3  # the colour does not change beyond it
DIFFERENCE_STEPS = 255  # colours: an odd number, so that one of them is 0
# black in the middle, because zero difference must not glow on a dark sheet
DIFFERENCE_COLOURS = LinearSegmentedColormap.from_list(
    "difference",
    ["#8fe3ff", "#2f86ea", "#1a4583", "#000000", "#86291a", "#ee6326", "#ffd98f"],
    N=DIFFERENCE_STEPS,
)
