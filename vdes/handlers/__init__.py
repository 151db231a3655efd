"""MONAI handlers, which watch an engine and write tables, pictures, weights and checkpoints."""
