"""From the bytes of a picture to those of its answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from aernet._native import get_num_threads
from aernet.pictures import decode_picture, mm_per_pixel_in
from aernet.service.answers import encode
from aernet.service.batcher import Batcher

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from aernet.arrays import HostImage
    from aernet.segmentation import Segmentation
    from aernet.segmenter import Segmenter
    from aernet.service.answers import Format
    from aernet.service.meters import Meters

_BATCH_SECONDS = 0.002  # about a tenth of what a picture takes to be decoded


class Worker:
    """Segments pictures on threads of its own, with at most so many of them decoded at once.

    Args:
        segmenter: takes BGR frames.
        most_pixels: the most pixels of a picture.
        meters: count pictures and batches.
    """

    def __init__(self, segmenter: Segmenter, most_pixels: int, meters: Meters) -> None:
        self._segmenter = segmenter
        self._most_pixels = most_pixels
        self._meters = meters
        largest = segmenter.runner.useful_batch
        self._batcher = Batcher(self._run, largest, _BATCH_SECONDS) if largest > 1 else None
        self._segment: Callable[[HostImage], Segmentation[Any]] = self._batcher or self._alone
        # While two batches run, the pictures of a third are decoded; without batches each core has a picture.
        threads = 3 * largest if self._batcher else get_num_threads()
        self._pool = ThreadPoolExecutor(threads, "aernet pictures")

    def submit(self, data: bytes, wanted: Format) -> Future[bytes]:
        """Start on a picture file; one that has not begun can be cancelled.

        The future raises a `SourceError` where the file is no picture that can be used.
        """
        return self._pool.submit(self._work, data, wanted)

    def close(self) -> None:
        """Wait for what has begun, and end the threads."""
        self._pool.shutdown(cancel_futures=True)
        if self._batcher is not None:
            self._batcher.close()

    def _work(self, data: bytes, wanted: Format) -> bytes:
        result = self._segment(decode_picture(data, "picture", self._most_pixels))
        scale = None if wanted == "png" else mm_per_pixel_in(data, "picture")  # a mask has no measurements
        return encode(result, self._segmenter.card.name, wanted, scale)

    def _alone(self, picture: HostImage) -> Segmentation[Any]:
        result = self._segmenter(picture)
        self._count(1)
        return result

    def _run(self, pictures: Sequence[HostImage]) -> Sequence[Segmentation[Any]]:
        results = self._segmenter.batch(pictures)
        self._count(len(pictures))
        return results

    def _count(self, pictures: int) -> None:
        self._meters.batches.inc()
        self._meters.pictures.inc(pictures)
