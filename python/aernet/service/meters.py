"""What Prometheus is told."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class Meters:
    """The figures of one service, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        """What `/metrics` shows."""
        self.answers = Counter(
            "aernet_answers", "Answers to POST /segment.", ("status",), registry=self.registry
        )
        """By HTTP status."""
        self.seconds = Histogram(
            "aernet_answer_seconds",
            "Seconds from the head of a request to its answer.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        """Of each request for a mask, refused ones included."""
        self.under_way = Gauge("aernet_requests_under_way", "Requests for a mask.", registry=self.registry)
        """Read or waited for at this moment."""
        self.pictures = Counter("aernet_pictures", "Pictures segmented.", registry=self.registry)
        """Of which the answer may have come too late."""
        self.batches = Counter("aernet_batches", "Runs of the network.", registry=self.registry)
        """Pictures by batches is the mean size of a batch."""
        ProcessCollector(registry=self.registry)
