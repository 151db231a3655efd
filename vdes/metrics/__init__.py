"""Fidelity and lesion contrast, as MONAI metrics."""
