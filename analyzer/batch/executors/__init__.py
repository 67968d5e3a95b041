"""What analyses calls: here in processes or threads, on a Dask cluster, or by a batch API."""

from __future__ import annotations

from analyzer.batch.executors.base import Ended, Executor, Failure

__all__ = ["Ended", "Executor", "Failure"]
