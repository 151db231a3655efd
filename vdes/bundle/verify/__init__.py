"""What the model zoo asks of a bundle, one subject a module."""
