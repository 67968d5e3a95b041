"""The process that reads one PDF, within limits that it sets itself.

:mod:`analyzer.readers.policies.pdf` starts it and reads its answer.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple
from pathlib import Path

from analyzer.errors import PolicyError
from analyzer.readers.policies.pdf_pages import lay_out

#: Exit code that says the file took more memory than it is allowed.
TOO_LARGE = 3

_MB = 1024 * 1024
#: Where Linux tells in pages of memory how many addresses this process has, and how much it takes.
_STATM = Path("/proc/self/statm")


def main(path: str, *, memory_mb: int, open_s: int, page_s: float, total_s: int) -> None:
    """Lay out a PDF within limits, write the answer to standard output, and end the process.

    The answer is a JSON value a line: first title, margins and notes, or the sentence that
    refuses the file; then a list for each block. See
    :class:`analyzer.readers.policies.pdf.Limits` for the limits.
    """
    confine_memory(memory_mb)
    confine_time(open_s)
    try:
        lines = _answer(
            Path(path), lambda pages: confine_time(min(int(open_s + page_s * pages), total_s))
        )
        for line in lines:
            # Half a surrogate pair, which a broken font may give, comes through as it is.
            sys.stdout.buffer.write(line.encode("utf-8", "surrogatepass") + b"\n")
        sys.stdout.buffer.flush()
    except MemoryError:
        os._exit(TOO_LARGE)
    # Taking a large document apart again serves nobody.
    os._exit(0)


def _answer(path: Path, allow: Callable[[int], None]) -> Iterator[str]:
    try:
        layout = lay_out(path, allow=allow)
    except PolicyError as error:
        yield json.dumps({"refused": error.message})
        return
    yield json.dumps({"title": layout.title, "margins": layout.margins, "notes": layout.notes})
    for block in layout.blocks:
        yield json.dumps(astuple(block), ensure_ascii=False)


def confine_memory(megabytes: int) -> None:
    """Let this process take so many megabytes more than it has taken, and leave no core file.

    A thread looks fifty times a second and ends the process in good order. Linux adds a bound that
    no jump gets over, a fifth higher: near to that one, Python may crash as well as raise
    ``MemoryError``. Windows has neither, and only the clock of the process that asks.
    """
    try:
        import resource
    except ImportError:  # pragma: no cover - Windows
        return
    lower_limit(resource.RLIMIT_CORE, 0)
    most = _taken() + megabytes * _MB
    is_watched = threading.Event()

    def watch() -> None:
        while _taken() < most:
            is_watched.set()
            time.sleep(0.02)
        os._exit(TOO_LARGE)

    threading.Thread(target=watch, daemon=True).start()
    # Running, it has its stack and its heap, which Linux counts by the address.
    is_watched.wait()
    if _STATM.exists():
        addresses = int(_statm()[0]) * resource.getpagesize()
        lower_limit(resource.RLIMIT_AS, addresses + megabytes * _MB * 6 // 5)


def _taken() -> int:
    """Bytes of memory that this process takes; where that is not told, those that it ever took."""
    import resource

    if _STATM.exists():
        return int(_statm()[1]) * resource.getpagesize()
    # The unit of macOS is the byte.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _statm() -> list[str]:
    return _STATM.read_text(encoding="ascii").split()


def confine_time(seconds: int) -> None:
    """Let this process work for so many seconds in all, on systems that can count them."""
    try:
        import resource
    except ImportError:  # pragma: no cover - Windows
        return
    lower_limit(resource.RLIMIT_CPU, seconds)


def lower_limit(kind: int, value: int) -> None:
    """Set a soft limit, no higher than the hard one that the system gives."""
    import resource

    _, hard = resource.getrlimit(kind)
    soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (soft, hard))
