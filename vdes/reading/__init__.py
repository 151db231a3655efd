"""The reader study: radiologists read low energy with real or virtual DES in a browser."""
