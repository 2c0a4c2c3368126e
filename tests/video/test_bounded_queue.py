from __future__ import annotations

import contextlib
import itertools
import signal
import sys
import threading
import time

import pytest

from aernet.video.bounded_queue import BoundedQueue


def started(function):
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread


def test_the_newest_is_kept_and_the_rest_counted():
    queue = BoundedQueue(2, waits=False)
    for item in range(5):
        assert queue.put(item)
    queue.close()
    assert list(queue) == [3, 4]
    assert queue.displaced == 3


def test_one_that_waits_loses_nothing():
    queue = BoundedQueue(2, waits=True)

    def give():
        for item in range(200):
            queue.put(item)
        queue.close()

    started(give)
    assert list(queue) == list(range(200))
    assert queue.displaced == 0


def test_one_that_waits_holds_no_more_than_it_may():
    queue = BoundedQueue(3, waits=True)
    given = []

    def give():
        for item in range(10):
            queue.put(item)
            given.append(item)

    def wait_for(count):
        end = time.monotonic() + 20
        while len(given) < count:
            assert time.monotonic() < end
            time.sleep(0.01)

    thread = started(give)
    wait_for(3)
    thread.join(0.1)
    assert given == [0, 1, 2]
    next(iter(queue))
    wait_for(4)
    queue.close()
    thread.join(20)
    assert not thread.is_alive()


def test_closing_wakes_who_waits_for_room_and_who_waits_for_items():
    full, empty = BoundedQueue(1, waits=True), BoundedQueue(1, waits=True)
    full.put(1)
    answers = []
    threads = [started(lambda: answers.append(full.put(2))), started(lambda: answers.append(list(empty)))]
    time.sleep(0.1)
    full.close()
    empty.close()
    for thread in threads:
        thread.join(10)
    assert sorted(map(str, answers)) == ["False", "[]"]
    assert list(full) == [1]


@pytest.mark.parametrize("waits", [True, False])
def test_nothing_goes_in_once_closed(waits):
    queue = BoundedQueue(3, waits=waits)
    queue.put(1)
    queue.put(2)
    queue.close(discard=True)
    assert not queue.put(3)
    assert list(queue) == []


@pytest.mark.skipif(sys.platform == "win32", reason="timers as POSIX has them")
def test_an_interrupted_taker_leaves_it_unlocked():
    """Ctrl-C may come at any moment; whoever puts must not wait for ever on a lock that nobody gives back."""

    class Interrupted(Exception):  # noqa: N818 - no error
        pass

    def interrupt(_number, _frame):
        raise Interrupted

    queue, given = BoundedQueue(1, waits=False), itertools.count()
    newest = [0]

    def feed():
        while queue.put(0):
            newest[0] = next(given)

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for attempt in range(500):
            with contextlib.suppress(Interrupted):
                signal.setitimer(signal.ITIMER_REAL, 1e-4 + attempt % 100 * 2e-5)
                for _ in queue:
                    pass
            seen, patience = newest[0], time.monotonic() + 20
            while newest[0] == seen:
                assert time.monotonic() < patience
                time.sleep(1e-4)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    queue.close()
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.parametrize("waits", [True, False])
def test_it_holds_no_more_after_many_items_than_at_first(waits):
    queue = BoundedQueue(2, waits=waits)
    taken = iter(queue)
    for item in range(100):
        assert queue.put(item)
        assert next(taken) == item
    assert queue._free_slots.qsize() == 2
    assert queue._items.qsize() == 0
