"""A MONAI bundle as a folder: open, run, train, verify and pack it."""
