"""On a Dask cluster: the driver hands out calls and stores what comes back.

Workers keep nothing: each builds its engine once and is sent the policies once; a worker that dies
costs a new attempt of what it held. Results are stored by the driver alone, so that the same
records come out as of any other executor.
"""

from __future__ import annotations

import concurrent.futures
import importlib
import time
from typing import Any

from analyzer.batch.executors.base import Ended, work_on
from analyzer.batch.executors.local import build_single_threaded
from analyzer.config import Settings
from analyzer.domain import Call
from analyzer.engines import Engine
from analyzer.errors import ConfigError
from analyzer.policy_book import PolicyBook
from analyzer.results.batch_queue import Task

_CONNECT_S = 30.0
#: Calls on their way for each thread of the cluster, so that none waits for the driver.
_AHEAD = 2


class DaskExecutor:
    """Calls side by side on a Dask cluster.

    Args:
        engine_name: Which engine the workers build, from the settings of their own machines.
        book: The policies, or None.
        settings: Where a cluster made for the run may leave its files.
        workers: Processes of such a cluster; None for one a core.
        scheduler: Address of a scheduler, ``tcp://host:8786``; None makes a cluster.

    Raises:
        ConfigError: If Dask is not installed, or the scheduler cannot be reached.
    """

    name = "dask"

    def __init__(
        self,
        engine_name: str,
        book: PolicyBook | None,
        settings: Settings,
        *,
        workers: int | None = None,
        scheduler: str | None = None,
    ) -> None:
        try:
            distributed: Any = importlib.import_module("distributed")
        except ImportError as error:
            raise ConfigError(
                "The executor dask needs Dask; run `pip install 'wordbond[dask]'`."
            ) from error
        self._cluster: Any = None
        try:
            if scheduler is None:
                self._cluster = distributed.LocalCluster(
                    n_workers=workers, threads_per_worker=1, dashboard_address=None,
                    local_directory=str(settings.home / "dask"),
                )  # fmt: skip
            self._client: Any = distributed.Client(
                scheduler or self._cluster, timeout=_CONNECT_S, set_as_default=False
            )
        except OSError as error:
            raise ConfigError(
                f"The Dask scheduler {scheduler} cannot be reached; start `dask scheduler`, "
                "or correct --scheduler."
            ) from error
        # Sent to every worker once, not with each call.
        [self._book] = self._client.scatter([book], broadcast=True, hash=False)
        self._engine_name = engine_name
        self._queue: Any = distributed.as_completed(loop=self._client.loop)
        self._futures: dict[str, tuple[Any, Task]] = {}
        self._counted = 0.0
        self._capacity = 1

    @property
    def capacity(self) -> int:
        """Twice what the cluster's threads can do at once; workers may come and go."""
        if time.monotonic() - self._counted > 1.0:
            threads = sum(self._client.nthreads().values())
            self._capacity = max(1, _AHEAD * threads)
            self._counted = time.monotonic()
        return self._capacity

    @property
    def n_under_way(self) -> int:
        """How many calls it holds."""
        return len(self._futures)

    def submit(self, task: Task, call: Call) -> None:
        """Take a call."""
        future = self._client.submit(
            _work, task, call, self._engine_name, self._book, pure=False, retries=0
        )
        self._futures[future.key] = (future, task)
        self._queue.add(future)

    def collect(self, timeout_s: float) -> list[Ended]:
        """What has ended; see :class:`analyzer.batch.executors.Executor`."""
        began = time.monotonic()
        while self._queue.is_empty() and time.monotonic() - began < timeout_s:
            time.sleep(0.005)
        out = []
        while not self._queue.is_empty():
            out += [self._outcome(future) for future in self._queue.next_batch(block=False)]
        return out

    def _outcome(self, future: Any) -> Ended:
        _, task = self._futures.pop(future.key)
        try:
            ended: Ended = future.result()
        except (Exception, concurrent.futures.CancelledError) as error:  # noqa: BLE001 - a worker's death, by any name
            reason = (
                f"the Dask worker that read the call was lost ({type(error).__name__}); see its log"
            )
            return Ended(task, None, 0.0, "again", reason)
        return ended

    def close(self, *, is_hasty: bool = False) -> None:
        """End; a cluster that was made for the run ends with it."""
        if is_hasty:
            self._client.cancel([future for future, _ in self._futures.values()], force=True)
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()


_engines: dict[str, Engine] = {}


def _work(task: Task, call: Call, engine_name: str, book: PolicyBook | None) -> Ended:
    """What a worker does: its engine is built with its first call."""
    if engine_name not in _engines:
        _engines[engine_name] = build_single_threaded(engine_name)
    return work_on(task, call, _engines[engine_name], book)
