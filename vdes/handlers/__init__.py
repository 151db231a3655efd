"""What MONAI calls handlers: they watch an engine and write tables, pictures, weights and checkpoints."""
