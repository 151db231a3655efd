"""Loss functions for image-to-image translation of mammograms."""
