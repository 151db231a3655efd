"""MONAI transforms for low-energy and DES images, one a file."""
