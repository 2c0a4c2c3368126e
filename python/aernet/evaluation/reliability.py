"""Whether probabilities mean what they say: the share of lesion among pixels of each probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

BINS = 15
LEFT, TOP, SIDE = 50, 16, 300


@dataclass(frozen=True)
class Reliability:
    """Pixels sorted by their probability into bins of equal width."""

    pixels: list[int]
    """How many lie in each bin."""
    confidence: list[float]
    """Their mean probability; 0 where the bin is empty."""
    frequency: list[float]
    """The share of lesion among them; 0 where the bin is empty."""

    @property
    def expected_calibration_error(self) -> float:
        """The mean distance of confidence and frequency, each bin by its pixels (Naeini et al. 2015)."""
        distance = np.abs(np.subtract(self.confidence, self.frequency))
        return float(np.average(distance, weights=self.pixels))


def reliability(probability: npt.NDArray[np.float32], lesion: npt.NDArray[np.bool_]) -> Reliability:
    """Compare probabilities in [0, 1] with the truth, two arrays of one shape with at least one pixel."""
    chosen = np.minimum((probability.ravel() * BINS).astype(int), BINS - 1)
    pixels = np.bincount(chosen, minlength=BINS)
    filled = np.maximum(pixels, 1)
    confidence = np.bincount(chosen, probability.ravel(), BINS) / filled
    frequency = np.bincount(chosen, lesion.ravel(), BINS) / filled
    return Reliability(pixels.tolist(), confidence.tolist(), frequency.tolist())


def diagram(curves: dict[str, Reliability]) -> str:
    """Return a reliability diagram as SVG: share of lesion over probability, a line for each of `curves`."""
    colours = ("#888", "#06c")
    lines = []
    for index, (name, curve) in enumerate(curves.items()):
        colour = colours[index % len(colours)]
        points = " ".join(
            f"{LEFT + SIDE * x:.1f},{TOP + SIDE * (1 - y):.1f}"
            for x, y, count in zip(curve.confidence, curve.frequency, curve.pixels, strict=True)
            if count
        )
        label = f"{name}: expected calibration error {curve.expected_calibration_error:.4f}"
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>\n'
            f'<text x="{LEFT + 10}" y="{TOP + 16 + 18 * index}" fill="{colour}">{label}</text>'
        )
    ticks = "\n".join(
        f'<text x="{LEFT + SIDE * tick:.0f}" y="{TOP + SIDE + 18}" text-anchor="middle">{tick:g}</text>\n'
        f'<text x="{LEFT - 8}" y="{TOP + SIDE * (1 - tick) + 4:.0f}" text-anchor="end">{tick:g}</text>'
        for tick in (0, 0.25, 0.5, 0.75, 1)
    )
    drawn = "\n".join(lines)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + SIDE + 20} {TOP + SIDE + 50}" \
role="img" aria-label="Reliability diagram" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<rect x="{LEFT}" y="{TOP}" width="{SIDE}" height="{SIDE}" fill="none" stroke="black"/>
<line x1="{LEFT}" y1="{TOP + SIDE}" x2="{LEFT + SIDE}" y2="{TOP}" stroke="black" stroke-dasharray="4"/>
{ticks}
{drawn}
<text x="{LEFT + SIDE / 2:.0f}" y="{TOP + SIDE + 38}" text-anchor="middle">probability</text>
<text transform="translate(14 {TOP + SIDE / 2:.0f}) rotate(-90)" text-anchor="middle">share of lesion</text>
</svg>
"""
