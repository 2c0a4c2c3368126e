"""Training: from pairs of pictures and masks to a checkpoint."""
