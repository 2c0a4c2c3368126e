"""The archives of a data set, with pictures and with masks, as its challenge published them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import msgspec

ADDRESS = "https://isic-challenge-data.s3.amazonaws.com/2018/"
"""Where the challenge keeps its archives."""


@dataclass(frozen=True)
class Archive:
    """A zip file as the challenge published it."""

    name: str
    size: int
    """In bytes."""
    sha256: str


ARCHIVES = msgspec.toml.decode(
    files("aernet.data").joinpath("archives.toml").read_bytes(), type=dict[str, dict[str, list[Archive]]]
)
"""Pictures and masks of each part of a data set, as `archives.toml` lists them."""
