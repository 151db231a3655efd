"""The reader study: radiologists read low energy beside real or virtual DES, in a browser."""
