"""The small dataset and encoder weights of the training tests."""

from training.conftest import dataset, encoder_weights

__all__ = ["dataset", "encoder_weights"]
