"""How long the measurements of a 1080p picture take on one core, beside scikit-image, in one run.

The pictures are the bundled ones, enlarged to 1080p, with the masks that the bundled model gives. Each round
takes each contender once, in turn; the figure is the median of the processor time, which what else the
machine does disturbs less than the time on the clock. scikit-image is asked for what it knows of the same:

- of the mask: area, centroid, bounding box, perimeter, equivalent diameter, longest Feret diameter, solidity
  and the number of regions; ours has the shortest Feret diameter and the asymmetry beside these;
- of mask and picture: the same, and the mean and the spread of CIELAB inside; ours has all that
  `Measurements` has.

Needs `pip install ".[benchmark]"`.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Annotated

import cv2
import numpy as np
import typer
from skimage import color, measure

from aernet import Segmenter
from aernet.measure import measure_mask
from aernet.pictures import example_pictures, read_picture
from aernet.processor import processor

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]

SIZE = (1920, 1080)
OF_THE_MASK = (
    "area", "centroid", "bbox", "perimeter", "equivalent_diameter_area", "feret_diameter_max", "solidity",
)  # fmt: skip


def scikit_image(mask: Image, picture: Image | None = None) -> list[object]:
    """Measure with scikit-image what it knows."""
    lab = None if picture is None else color.rgb2lab(picture[..., ::-1])
    (found,) = measure.regionprops((mask > 0).astype(np.uint8), intensity_image=lab)
    names = OF_THE_MASK if lab is None else (*OF_THE_MASK, "intensity_mean", "intensity_std")
    return [measure.label(mask, connectivity=2).max(), *(getattr(found, name) for name in names)]


def medians(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return each contender's median in milliseconds, after one round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds + 1):
        for name, run in contenders.items():
            start = time.process_time()
            run()
            times[name].append((time.process_time() - start) * 1000)
    return {name: statistics.median(values[1:]) for name, values in times.items()}


def main(rounds: Annotated[int, typer.Option(help="How often each is measured.")] = 15) -> None:
    """Print a Markdown table."""
    cv2.setNumThreads(1)
    print(f"{processor()}, one thread, {SIZE[0]} x {SIZE[1]}, medians of {rounds} rounds in milliseconds\n")
    print(
        "| picture | lesion | mask: ours | scikit-image | ratio | with picture: ours | scikit-image | ratio |"
    )
    print(f"|{'---|' * 8}")
    with Segmenter() as segmenter:
        for path in example_pictures():
            picture = cv2.resize(read_picture(path), SIZE, interpolation=cv2.INTER_CUBIC)
            mask = segmenter(picture).mask
            found = medians(
                {
                    "ours": lambda mask=mask: measure_mask(mask),
                    "theirs": lambda mask=mask: scikit_image(mask),
                    "ours, all": lambda mask=mask, picture=picture: measure_mask(mask, picture),
                    "theirs, all": lambda mask=mask, picture=picture: scikit_image(mask, picture),
                },
                rounds,
            )
            cells = [path.stem, f"{cv2.countNonZero(mask) / mask.size:.0%}"]
            for ours, theirs in (("ours", "theirs"), ("ours, all", "theirs, all")):
                ratio = found[theirs] / found[ours]
                cells += [f"{found[ours]:.1f}", f"{found[theirs]:.1f}", f"{ratio:.1f}"]
            print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    typer.run(main)
