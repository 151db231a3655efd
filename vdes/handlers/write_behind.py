"""Restore and write the outputs of an evaluator while its network has the next images."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import torch.distributed as dist
from ignite.engine import Engine, Events

from vdes.data.datasets.readable_cases import ReadableCases
from vdes.errors import CaseError, InputError, find_input_error, one_error

DEPTH = 4  # cases that may wait, so that memory does not grow


class WriteBehind:
    """Run postprocessing in a thread of its own: both the postprocessing of a MONAI evaluator and one of its handlers.

    Cases are processed one at a time, in their order. If one fails, the run stops with its error: at the next case, or
    at the end. After a `CaseError` the others go on, and the run fails at its end, in all processes that share the
    cases. Whoever comes after it in the evaluator sees the output before postprocessing. Without the handler,
    postprocessing runs at once.

    Args:
        transform: postprocessing, which writes its result.
        discard: given the data of a case that failed by a `CaseError`, removes what an earlier run has made of it, and
            returns what it removed; such as `vdes.transforms.save_virtual_des.SaveVirtualDesd.discard`.
        loader: the evaluator's, whose cases that cannot be read fail in the same way; ``discard`` gets their items.
    """

    def __init__(
        self,
        transform: Callable[[Any], Any],
        discard: Callable[[Any], Path | None] | None = None,
        loader: ReadableCases | None = None,
    ) -> None:
        self.transform = transform
        self.discard = discard
        self.loader = loader
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: deque[tuple[Future[Any], Any]] = deque()
        self._failed: list[str] = []

    def attach(self, engine: Engine) -> None:
        """Register with the evaluator."""
        engine.add_event_handler(Events.STARTED, self.start)
        if self.loader is not None:
            engine.add_event_handler(Events.DATALOADER_STOP_ITERATION, engine.terminate_epoch)
        engine.add_event_handler(Events.COMPLETED, self.complete)

    def start(self, _engine: Engine) -> None:
        """Start the thread."""
        self._waiting.clear()
        self._failed.clear()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="write-behind")

    def __call__(self, data: Any) -> Any:
        """Hand ``data`` over, and return it unchanged.

        Raises:
            BaseException: that of an earlier case.
        """
        if self._pool is None:
            return self.transform(data)
        while self._waiting and (self._waiting[0][0].done() or len(self._waiting) >= DEPTH):
            self._waited()
        self._waiting.append((self._pool.submit(self.transform, data), data))
        return data

    def complete(self, _engine: Engine) -> None:
        """Wait for the cases that are left.

        Raises:
            BaseException: that of a case.
            CaseError: cases failed by one.
        """
        while self._waiting:
            self._waited()
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        for item, message in self.loader.failed if self.loader is not None else ():
            self._lose(item, message)
        failed = [self._failed]
        if idist.get_world_size() > 1:  # a process that failed alone would end the others at their work
            failed = [[]] * idist.get_world_size()
            dist.all_gather_object(failed, self._failed)
        if any(failed):
            raise one_error([message for messages in failed for message in messages])

    def _waited(self) -> None:
        """Wait for the first case; if it has failed, drop the others."""
        future, data = self._waiting.popleft()
        try:
            future.result()
        except BaseException as error:
            found = find_input_error(error)
            if isinstance(found, CaseError):
                self._lose(data, str(found))
                return
            if self._pool is not None:
                self._pool.shutdown(cancel_futures=True)
                self._pool = None
            raise

    def _lose(self, data: Any, message: str) -> None:
        """Remove what an earlier run has made of a case that failed, and keep its error for the end."""
        try:
            removed = None if self.discard is None else self.discard(data)
        except InputError as error:  # it cannot be told, or not be removed
            self._failed.append(f"{message}; {error}")
            return
        older = "" if removed is None else f"; {removed}, made of it by an earlier run, was removed"
        self._failed.append(f"{message}{older}")
