"""What makes the shipped weights, the figures and the model cards."""
