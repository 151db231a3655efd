"""The experiments behind the shipped weights, the figures and the model cards."""
