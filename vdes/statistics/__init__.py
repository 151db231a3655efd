"""Arrays in, numbers and their intervals out."""
