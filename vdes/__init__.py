"""Virtual dual-energy subtracted images for contrast-enhanced spectral mammography."""

__version__ = "0.2.0"
