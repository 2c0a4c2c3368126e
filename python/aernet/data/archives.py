"""The archives of ISIC 2018 Task 1, with pictures and with masks, as the challenge published them."""

from __future__ import annotations

from dataclasses import dataclass

ADDRESS = "https://isic-challenge-data.s3.amazonaws.com/2018/"
"""Where the challenge keeps its archives."""


@dataclass(frozen=True)
class Archive:
    """A zip file as the challenge published it."""

    name: str
    size: int
    """In bytes."""
    sha256: str


ARCHIVES = {
    "isic2018": {
        "training": (
            Archive(
                "ISIC2018_Task1-2_Training_Input.zip",
                11165358566,
                "80f98572347a2d7a376227fa9eb2e4f7459d317cb619865b8b9910c81446675f",
            ),
            Archive(
                "ISIC2018_Task1_Training_GroundTruth.zip",
                27402895,
                "99f8b2bb3c4d6af483362010715f7e7d5d122d9f6c02cac0e0d15bef77c7604c",
            ),
        ),
        "validation": (
            Archive(
                "ISIC2018_Task1-2_Validation_Input.zip",
                239231159,
                "0ea920fcfe512d12a6e620b50b50233c059f67b10146e1479c82be58ff15a797",
            ),
            Archive(
                "ISIC2018_Task1_Validation_GroundTruth.zip",
                759706,
                "f6911e9c0a64e6d687dd3ca466ca927dd5e82145cb2163b7a1e5b37d7a716285",
            ),
        ),
        "test": (
            Archive(
                "ISIC2018_Task1-2_Test_Input.zip",
                2370457338,
                "e59ae1f69f4ed16f09db2cb1d76c2a828487b63d28f6ab85997f5616869b127d",
            ),
            Archive(
                "ISIC2018_Task1_Test_GroundTruth.zip",
                9680101,
                "2e8f6edce454a5bdee52485e39f92bd6eddf357e81f39018d05512175238ef82",
            ),
        ),
    },
}
"""Pictures and masks of each part of a data set."""
