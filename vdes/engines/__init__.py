"""What MONAI's engines lack."""
