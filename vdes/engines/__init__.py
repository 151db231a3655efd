"""Training and inference parts that MONAI's engines lack."""
