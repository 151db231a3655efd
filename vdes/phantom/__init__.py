"""The CESM phantom: spectra, anatomy, lesions and projection with known truth."""
