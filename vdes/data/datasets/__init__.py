"""Cases for PyTorch data loaders: cached on disk, unpaired, by examination."""
