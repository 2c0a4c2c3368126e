"""How far two paths may be apart, in one place; all on the scale [0, 1]."""

from __future__ import annotations

EXACT_COLOUR = 5e-5
"""From CIELAB in double precision: the approximated powers and cube roots, and rounding."""

COLOUR = 5e-4
"""From OpenCV's CIELAB of linear RGB, which is computed and not looked up."""

YARDSTICK = 2e-3
"""From OpenCV's CIELAB of sRGB, where that is itself within this of double precision.

OpenCV looks that one up in a table of 33 x 33 x 33 colours and keeps nine bits of each channel, and so is
nearly 3e-3 off in places, mostly in dark colours.
"""

YARDSTICK_ITSELF = 3e-3
"""Of OpenCV's table from double precision: more would mean that OpenCV has changed."""

PROBABILITY = 1e-3
"""From the threshold: nearer than this, a pixel of the mask may go either way."""
