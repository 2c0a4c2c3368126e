"""The pictures of an archive on the processors of a Ray cluster: the files stay with this process."""

from __future__ import annotations

import logging
import socket
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import ObjectLostError, RayActorError, RayError

from aernet.errors import AernetError, SourceError
from aernet.scale.portable import make_from_bytes, portable_model
from aernet.scale.resources import share_of_each

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from aernet.archive import Settings
    from aernet.archive.one_picture import Made, Order
    from aernet.scale.portable import PortableModel

_CONNECT = 5.0  # seconds in which the cluster has to answer
_PATIENCE = 120.0  # seconds in which one worker has to load the model, where none has anything to do
_MOST_LOSSES = 3  # of workers, by one picture, or one after the other before any has loaded the model
_AHEAD = 2  # pictures for each worker, so that files are read and written while it works


class _Worker:
    """Holds the model in a process of the cluster. Errors are returned: Ray would add its own words."""

    def open(self, model: PortableModel) -> AernetError | None:
        """Load the model."""
        try:
            self._segmenter = model.open()
        except AernetError as error:
            return error
        return None

    def make(self, content: bytes, order: Order) -> Made | Exception:
        """Make the outputs of a picture."""
        try:
            return make_from_bytes(self._segmenter, content, order)
        except (AernetError, OSError, MemoryError) as error:
            return error


class Cluster:
    """A Ray cluster as the machines of `Archive.segment`; used as a context manager.

    Each GPU, or each processor core if there is none, has a worker that has loaded the model once. A picture
    whose worker is lost goes to another one. Workers join as soon as the cluster has room for them.

    Args:
        address: HOST:PORT as `ray start` prints it, or "auto" for the cluster that runs on this machine; this
            machine must be one of it.
        settings: how to segment.

    Raises:
        AernetError: no cluster answers there, or none of its machines can run the model.
        ModelError: there is no such model.
    """

    def __init__(self, address: str, settings: Settings) -> None:
        model = portable_model(
            settings.model, settings.device, settings.threshold, settings.border, settings.keep
        )
        _connect(address)
        self._idle: SimpleQueue[Any] = SimpleQueue()
        self._losses = 0
        self._joined = 0  # workers that have loaded the model and are not lost
        self._left = False
        self._lock = Lock()
        try:
            self._share = share_of_each(model.device)
            self._model = ray.put(self._share.fitted(model))
            for _ in range(self._share.count):
                self._start()
            self._idle.put(self._next())
        except BaseException:
            self._leave()
            raise

    @property
    def jobs(self) -> int:
        """How many pictures should be under way at once."""
        return _AHEAD * self._share.count

    def __call__(self, path: Path, order: Order, /) -> Made:
        """Make the outputs of a picture on one of the workers.

        Raises:
            SourceError: it is no picture that can be used, or takes one worker after the other with it.
            AernetError: as `make_picture` does; or no worker is left that can run the model.
            OSError: the file cannot be read.
        """
        content = path.read_bytes()
        for _ in range(_MOST_LOSSES):
            worker = self._next()
            try:
                made: Made | Exception = ray.get(worker.make.remote(content, order))
            except (RayActorError, ObjectLostError):
                with self._lock:
                    self._joined -= 1
                worker = None
                self._start()
                continue
            finally:
                if worker is not None:
                    self._idle.put(worker)
            if isinstance(made, Exception):
                raise made
            return made
        raise SourceError(f"{order.name}: {_MOST_LOSSES} workers of the cluster ended while they had it")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the cluster, which ends the workers."""
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._left = True
        ray.shutdown()

    def _next(self) -> Any:
        """Wait for a worker that has nothing to do."""
        while True:
            try:
                worker = self._idle.get(timeout=_PATIENCE)
                break
            except Empty:
                if self._joined:
                    continue
                raise AernetError(
                    f"no machine of the cluster has had a free {self._share.unit} for {_PATIENCE:.0f} seconds"
                    "; end other work there, or add machines"
                ) from None
        if isinstance(worker, Exception):
            self._idle.put(worker)  # for the other threads
            raise worker
        return worker

    def _start(self) -> None:
        """Start a worker, which joins when it has loaded the model."""
        with self._lock:
            if self._left:  # Ray would start a cluster of its own for it
                return
            worker: Any = ray.remote(_Worker).options(**self._share.options).remote()
            opened = worker.open.remote(self._model).future()
        opened.add_done_callback(partial(self._join, worker))

    def _join(self, worker: Any, opened: Future[AernetError | None]) -> None:
        failure = opened.exception()
        if failure is None and opened.result() is None:
            self._losses = 0
            with self._lock:
                self._joined += 1
            self._idle.put(worker)
        elif isinstance(failure, RayActorError):
            self._losses += 1
            if self._losses < _MOST_LOSSES:
                self._start()
            else:
                self._idle.put(AernetError(f"workers of the cluster end before they work ({_line(failure)})"))
        else:
            reason = opened.result() if failure is None else AernetError(f"a worker: {_line(failure)}")
            self._idle.put(reason)


def _line(error: BaseException) -> str:
    """Return the last line of an error of Ray's, which has the reason."""
    return str(error).strip().splitlines()[-1].strip()


def _connect(address: str) -> None:
    """Make this process part of a cluster.

    Raises:
        AernetError: none answers there.
    """
    hint = "give the HOST:PORT that 'ray start' has printed, or 'auto' on a machine of the cluster"
    if address != "auto":
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise AernetError(f"{address}: is no address of a Ray cluster; {hint}")
        try:  # Ray itself would wait for minutes
            socket.create_connection((host, int(port)), _CONNECT).close()
        except (OSError, OverflowError) as error:
            raise AernetError(f"{address}: no Ray cluster answers there ({error}); {hint}") from error
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RayError, RuntimeError, ValueError) as error:
        if "authentication" in f"{error} {error.__cause__}".lower():
            hint = "it asks for a token: copy ~/.ray/auth_token of its first machine, set RAY_AUTH_MODE=token"
        raise AernetError(f"{address}: the Ray cluster cannot be used ({_line(error)}); {hint}") from error
