"""MONAI transforms for low-energy and DES images, one per file."""
