"""The measurements of experts' masks and of ours side by side, and the experts' beside clinical diameters.

Pictures and masks are brought to the shape of the original picture, which a table knows, 1024 pixels on the
longer side; those whose shape it does not know are left out. The colours of both are measured on the same
picture. The test subset is not used: no number here chooses anything, but none needs it either.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cv2
import numpy as np
import typer
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import track
from scipy.stats import pearsonr, spearmanr

from aernet import Segmenter
from aernet.evaluation.rendering import write_figure
from aernet.measure import measure_mask
from aernet.pairs import find_pairs, read_column, read_split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from aernet.measure import Measurements
    from aernet.pairs import Pair

    Image = npt.NDArray[np.uint8]
    Values = npt.NDArray[np.float64]

SIDE = 1024
CLINICAL = "clinical_long_diameter_mm"
PANELS = (
    "area_px", "longest_diameter_px", "shortest_diameter_px",
    "shape_asymmetry_second_axis", "compactness", "contrast_delta_e",
)  # fmt: skip
LEFT_OUT = ("_ends_px_", "bounding_box", "centroid", "mm", "edge_delta_e_eighth", "_axis_degrees", "touches")


def main(
    images: Annotated[Path, typer.Argument(help="Folder or zip file of pictures.")],
    masks: Annotated[Path, typer.Argument(help="Folder or zip file of masks, <picture>_segmentation.png.")],
    split: Annotated[
        Path,
        typer.Argument(
            help="CSV file with image_id, subset, original_width_px, original_height_px and"
            " clinical_long_diameter_mm."
        ),
    ],
    figure: Annotated[
        Path | None, typer.Option(help="Where the Bland-Altman figure is written, SVG.")
    ] = None,
) -> None:
    """Print Markdown tables: the val subset for both, train and val for the clinical diameter."""
    cv2.setNumThreads(1)
    experts, ours, diameters = [], [], []
    clinical = {name: float(text) for name, text in read_column(split, CLINICAL).items() if text}
    with Segmenter() as segmenter:
        for pair, unsquashed in track(
            list(shaped_pairs(images, masks, split, ["val"])), "Measuring", console=Console(stderr=True)
        ):
            picture, truth = (unsquashed(image) for image in pair.read())
            mask = segmenter(picture).mask
            if truth.any() and mask.any():
                experts.append(numbers(measure_mask(truth, picture)))
                ours.append(numbers(measure_mask(mask, picture)))
                if pair.image_id in clinical:
                    diameters.append((clinical[pair.image_id], measure_mask(mask)))
        print(f"{segmenter.card.name} {segmenter.card.version}, {len(ours)} pictures of val\n")
    print_agreement(experts, ours)
    if figure is not None:
        write_figure(figure, bland_altman(experts, ours))
    drawn = [
        (clinical[pair.image_id], measure_mask(unsquashed(pair.mask())))
        for pair, unsquashed in shaped_pairs(images, masks, split, ["train", "val"])
        if pair.image_id in clinical
    ]
    print_clinical({"experts' masks, train and val": drawn, "ours, val": diameters})


def shaped_pairs(
    images: Path, masks: Path, split: Path, subsets: list[str]
) -> Iterator[tuple[Pair, Callable[[Image], Image]]]:
    """Yield pairs with what brings their pictures and masks to the shape of the original."""
    ids = frozenset().union(*(read_split(split, subset) for subset in subsets))
    widths, heights = (read_column(split, f"original_{side}_px") for side in ("width", "height"))
    for pair in find_pairs(images, masks, ids):
        if not widths[pair.image_id]:
            continue
        width, height = int(widths[pair.image_id]), int(heights[pair.image_id])
        size = round(SIDE * width / max(width, height)), round(SIDE * height / max(width, height))

        def unsquashed(image: Image, size: tuple[int, int] = size) -> Image:
            found = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)
            return found if image.ndim == 3 else np.where(found > 127, np.uint8(255), np.uint8(0))

        yield pair, unsquashed


def numbers(measured: Measurements) -> dict[str, float]:
    """Return what is compared, NaN where it cannot be said; of the eighths of the edge their mean."""
    row = {
        name: np.nan if value is None else float(value)
        for name, value in measured.row().items()
        if not any(part in f"_{name}" for part in LEFT_OUT) or "asymmetry" in name
    }
    seen = [value for value in measured.edge_delta_e or () if value is not None]
    return row | {"edge_delta_e, mean": float(np.mean(seen)) if seen else np.nan}


def both(experts: list[dict[str, float]], ours: list[dict[str, float]], name: str) -> tuple[Values, Values]:
    """Return one measure of the pictures for which both have it."""
    values = np.array([(one[name], other[name]) for one, other in zip(experts, ours, strict=True)])
    first, second = values[~np.isnan(values).any(axis=1)].T
    return first, second


def print_agreement(experts: list[dict[str, float]], ours: list[dict[str, float]]) -> None:
    """Print how far both agree, a line for each measure."""
    print(
        "| measure | pictures | median, experts | median, ours | rank correlation | linear correlation",
        end="",
    )
    print(" | mean difference, ours less experts' | 95 % of differences |")
    print(f"|{'---|' * 8}")
    for name in ours[0]:
        theirs, own = both(experts, ours, name)
        if np.ptp(theirs) == 0 or np.ptp(own) == 0:
            continue
        apart = own - theirs
        low, high = apart.mean() + np.array([-1.96, 1.96]) * apart.std(ddof=1)
        cells = (
            str(len(own)),
            *(f"{np.median(values):.3g}" for values in (theirs, own)),
            f"{spearmanr(theirs, own).statistic:.2f}",
            f"{pearsonr(theirs, own).statistic:.2f}",
            f"{apart.mean():+.3g}",
            f"{low:+.3g} to {high:+.3g}",
        )
        print(f"| `{name}` | {' | '.join(cells)} |")


def bland_altman(experts: list[dict[str, float]], ours: list[dict[str, float]]) -> Figure:
    """Return the differences over the means (Bland and Altman 1986, 10.1016/S0140-6736(86)90837-8)."""
    figure = Figure((10, 6), layout="constrained")
    for axes, name in zip(figure.subplots(2, 3).flat, PANELS, strict=True):
        theirs, own = both(experts, ours, name)
        apart = own - theirs
        axes.plot((own + theirs) / 2, apart, ".", markersize=4, color="#3987c9")
        axes.axhline(apart.mean(), color="black", linewidth=1)
        for side in (-1.96, 1.96):
            axes.axhline(
                apart.mean() + side * apart.std(ddof=1), color="black", linestyle="--", linewidth=0.8
            )
        axes.set(title=name, xlabel="mean of both", ylabel="ours less experts'")
        axes.title.set_fontsize(10)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def print_clinical(found: dict[str, list[tuple[float, Measurements]]]) -> None:
    """Print the rank correlation of the longest diameter with the one that was measured at the patient."""
    print("\n| masks | pictures | rank correlation | not touching the frame | rank correlation |")
    print(f"|{'---|' * 5}")
    for title, pairs in found.items():
        values = [
            (clinical, measured.longest_diameter_px, measured.touches_frame)
            for clinical, measured in pairs
            if measured.longest_diameter_px is not None
        ]
        cells = []
        for chosen in (values, [value for value in values if not value[2]]):
            in_mm, in_pixels, _ = zip(*chosen, strict=True)
            cells += [str(len(chosen)), f"{spearmanr(in_mm, in_pixels).statistic:.2f}"]
        print(f"| {title} | {' | '.join(cells)} |")


if __name__ == "__main__":
    typer.run(main)
