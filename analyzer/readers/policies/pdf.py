"""PDF: read in a process of its own, which is given little memory and time.

A file of 2 kB can unpack to gigabytes, or keep its parser busy for days: through streams, filters
in a row, object streams, fonts, forms that draw each other. pdfminer bounds none of them, and one
bound for each would have to be right in all places. The system bounds a process in all of them,
so that a file made to harm costs its own reading and nothing else.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analyzer.errors import PolicyError
from analyzer.readers.policies.blocks import Block, LaidOut

SUFFIXES = (".pdf",)

_LARGEST = 100 * 1024 * 1024
_MEND = "print it to a new PDF in a viewer, or check where it comes from"
#: As in ``pdf_process``, which is imported in the other process only.
_TOO_LARGE = 3
#: The package's own ``__init__`` imports the readers of all formats, which take longer to load
#: than a usual PDF to read; an empty package in its place lets the modules beside it be found.
_BEGIN = """
import json, sys, types
where, folder, path, limits = sys.argv[1:]
sys.path[:] = json.loads(where)
package = types.ModuleType("analyzer.readers.policies")
package.__path__ = [folder]
sys.modules[package.__name__] = package
from analyzer.readers.policies.pdf_process import main
main(path, **json.loads(limits))
"""


@dataclass(frozen=True)
class Limits:
    """What reading one PDF may take.

    Attributes:
        memory_mb: Megabytes above what Python and the parser take themselves, which is about 50.
            Two thousand pages full of small type take 120, and what a file keeps of its pictures
            is no more than its size.
        open_s: Seconds of work until the pages are known; they count for the pages, too.
        page_s: Seconds of work more for each page; a full one takes 0.3.
        total_s: Seconds of work that no number of pages adds to.
        wait_s: Seconds by the clock after which the process is ended whatever it does; far more
            than ``total_s``, as the machine may be busy.
    """

    memory_mb: int = 280
    open_s: int = 30
    page_s: float = 1.0
    total_s: int = 900
    wait_s: float = 1800.0


def read_layout(path: Path, *, limits: Limits | None = None) -> LaidOut:
    """Lay out a PDF.

    Args:
        path: The file.
        limits: What reading it may take; the usual ones if None.

    Raises:
        PolicyError: If it is locked, damaged, too large, holds no text, or takes more memory or
            time than a document does.
        OSError: If the file cannot be opened.
    """
    if path.stat().st_size > _LARGEST:
        raise PolicyError("this PDF is larger than 100 MB; split it by document", path=path)
    with path.open("rb"):
        # Whether it may be read is told from here, in the system's words.
        pass
    lines = _ask(path, limits or Limits()).splitlines()
    head: dict[str, Any] = json.loads(lines[0])
    if "refused" in head:
        raise PolicyError(head["refused"], path=path)
    blocks = (Block(*json.loads(line.decode("utf-8", "surrogatepass"))) for line in lines[1:])
    return LaidOut(tuple(blocks), head["title"], tuple(head["margins"]), tuple(head["notes"]))


def _ask(path: Path, limits: Limits) -> bytes:
    """What the other process answers; see :func:`analyzer.readers.policies.pdf_process.main`.

    A new interpreter and no fork: the app reads in threads, and a fork of those may hang.
    """
    given = asdict(limits)
    wait_s = given.pop("wait_s")
    folder = str(Path(__file__).parent)
    # -I: nothing in the folder the program happens to run in takes the place of a module.
    command = [sys.executable, "-I", "-c", _BEGIN, json.dumps(sys.path), folder, str(path)]
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter with code of ours, and no shell
            [*command, json.dumps(given)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=wait_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PolicyError(
            f"this PDF was not read after {wait_s:.0f} seconds and was given up; {_MEND}", path=path
        ) from None
    except OSError as error:
        raise PolicyError(
            "PDFs are read in a second Python process, which cannot be started "
            f"({error.strerror}); free memory and try again",
            path=path,
        ) from error
    if done.returncode:
        raise PolicyError(_why(done.returncode, limits), path=path)
    return done.stdout


def _why(code: int, limits: Limits) -> str:
    """The sentence for a process that ended without an answer."""
    # SIGKILL is what a system sends that has no memory left.
    if code in {_TOO_LARGE, -getattr(signal, "SIGKILL", 9)}:
        return (
            f"this PDF unpacks to more than {limits.memory_mb} MB, which no document does; {_MEND}"
        )
    if code == -getattr(signal, "SIGXCPU", 24):
        return f"this PDF takes far longer to read than a document of its pages does; {_MEND}"
    return f"the process that read this PDF died (exit code {code}); {_MEND}"
