"""All variants."""

from __future__ import annotations

from corpus import identity, kinds, pairing, reading, stated, stored_bits, values

VARIANTS = [
    variant
    for module in (pairing, identity, kinds, stored_bits, values, reading, stated)
    for variant in module.VARIANTS
]
