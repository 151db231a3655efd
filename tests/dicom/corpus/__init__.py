"""Odd mammograms as hospitals send them: each variant is a phantom study with a change, and the expected outcome.

There is one module for each kind of circumstance. `variant.vdes_does` returns what vdes makes of a variant; the tests
compare it with what the variant expects, and `page` writes it into the documentation.
"""
