"""The matrix of the colour contract, for training and for graphs that are written without PyTorch."""

# Linear sRGB to XYZ, each row divided by the D65 white point (IEC 61966-2-1, CIE 15).
XYZ_FROM_RGB = (
    (0.412453 / 0.950456, 0.357580 / 0.950456, 0.180423 / 0.950456),
    (0.212671, 0.715160, 0.072169),
    (0.019334 / 1.088754, 0.119193 / 1.088754, 0.950227 / 1.088754),
)
