"""The model zoo's requirements on a bundle, one subject per module."""
