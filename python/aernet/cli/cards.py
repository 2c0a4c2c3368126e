"""Model cards as `models` and `inspect` show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def card_rows(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a person reads on a card, given as plain values: names and texts."""
    yield "name", card["name"]
    yield "version", card["version"]
    yield "input", f"{card['size']} x {card['size']} pixels"
    yield "threshold", f"{card['threshold']:g}"
    yield "borders", _borders(card["borders"])
    yield "licence", card["licence"]
    yield "training data", card["training_data"]
    yield from metrics(card)
    quality = card["quality"]
    looked_at = f"look again below an expected Dice of {quality['least_dice']:.3f}" if quality else None
    yield "trust", looked_at or "not calibrated: results have no expected Dice"
    yield "revision", card["revision"]


def _borders(borders: Mapping[str, Mapping[str, float]] | None) -> str:
    """Return the levels of the borders, and the areas of their masks beside those at the threshold."""
    if borders is None:
        return "isic alone, which is the threshold"
    return ", ".join(
        f"{name} {border['level']:g} ({border['area']:g} of the area)" for name, border in borders.items()
    )


def metrics(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the metrics of a card: means with their 95 % intervals, and by which protocol they came."""
    for name, value in card["metrics"].items():
        match value:
            case _ if name in {"model", "threshold"}:
                continue  # the card itself has them
            case {"mean": mean, "ci95": [least, most]}:
                yield name.replace("_", " "), f"{mean:.3f} ({least:.3f} to {most:.3f})"
            case float():
                yield name.replace("_", " "), f"{value:.3f}"
            case int() if name == "n":
                yield "measured on", f"{value} pictures"
            case _:
                yield name.replace("_", " "), str(value)
