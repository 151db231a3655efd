"""What verify_bundle.py asks of a bundle, one subject a module."""
