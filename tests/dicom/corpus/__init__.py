"""Mammograms as they come from hospitals: each variant is a phantom study with something changed, and what must follow.

The variants lie in a module for each kind of circumstance. `variant.vdes_does` finds out what vdes makes of one, which
the tests compare with what the variant expects and `page` writes into the documentation.
"""
