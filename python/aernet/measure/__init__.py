"""Measures a lesion by its mask and its picture: size, asymmetry, border and colours.

It knows no model: a mask of any origin will do.
"""

from aernet.measure.measure import measure_mask
from aernet.measure.measurements import Measurements

__all__ = ["Measurements", "measure_mask"]
