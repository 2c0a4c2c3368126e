from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from aernet import FrameError
from aernet.service.batcher import Batcher


def test_each_gets_its_own_and_batches_are_bounded():
    sizes = []

    def double(items):
        sizes.append(len(items))
        return [2 * item for item in items]

    with closing(Batcher(double, 3, 0.01)) as batcher, ThreadPoolExecutor(16) as pool:
        assert list(pool.map(batcher, range(200))) == list(range(0, 400, 2))
    assert max(sizes) <= 3
    assert sum(sizes) == 200


def test_nothing_is_forgotten_while_two_threads_wait_for_more():
    with closing(Batcher(lambda items: items, 4, 0.0005)) as batcher, ThreadPoolExecutor(12) as pool:
        futures = [pool.submit(batcher, item) for item in range(3000)]
        assert [future.result(20) for future in futures] == list(range(3000))


def test_what_waits_while_others_run_runs_together():
    begun, go, batches = threading.Semaphore(0), threading.Event(), []

    def run(items):
        batches.append(sorted(items))
        begun.release()
        assert go.wait(20)
        return items

    with ThreadPoolExecutor(8) as pool, closing(Batcher(run, 4, 0.0)) as batcher:
        first = [pool.submit(batcher, 0)]
        assert begun.acquire(timeout=20)
        first.append(pool.submit(batcher, 1))
        assert begun.acquire(timeout=20)
        others = [pool.submit(batcher, item) for item in range(2, 6)]
        while batcher._waiting.qsize() < 4:
            threading.Event().wait(0.01)
        go.set()
        assert [future.result(20) for future in first + others] == list(range(6))
    assert batches == [[0], [1], [2, 3, 4, 5]]


def test_one_that_cannot_be_run_does_not_spoil_the_others():
    def run(items):
        if 3 in items:
            raise FrameError(f"three in {items}")
        return items

    with closing(Batcher(run, 8, 0.2)) as batcher, ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(batcher, item) for item in range(8)]
        for item, future in enumerate(futures):
            if item == 3:
                with pytest.raises(FrameError, match=r"three in \[3\]"):
                    future.result(20)
            else:
                assert future.result(20) == item


def test_a_failure_reaches_everyone_and_the_next_runs():
    def run(items):
        if items[0] < 0:
            raise OSError("gone")
        return items

    with closing(Batcher(run, 2, 0.0)) as batcher:
        with pytest.raises(OSError, match="gone"):
            batcher(-1)
        assert batcher(5) == 5
