"""Writes the sample corpus's transcripts and its labels from one source.

``eval/gold/corpus/KEY.txt`` holds a company's calls with their marks (the markup of
``eval/training/README.md``). From it come the transcripts under ``corpus/KEY/calls/``, in the
formats that customers bring, and ``eval/gold/corpus.jsonl`` with the labels. Run it after editing
the source: ``python eval/make_corpus.py``; with ``--check`` it only says whether the files are up
to date.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE / "training"))
import markup  # noqa: E402 - it lies in a folder that is no package

Record = dict[str, Any]


def seconds(record: Record) -> list[tuple[float, float]]:
    """When each turn begins and ends, at a calm 2.6 words a second."""
    clock, out = 2.0, []
    for turn in record["turns"]:
        length = max(1.0, len(turn["text"].split()) / 2.6)
        out.append((round(clock, 1), round(clock + length, 1)))
        clock += length + 0.4
    return out


def head(record: Record) -> dict[str, str]:
    """What is known of a call, in the order in which it is written down."""
    return {
        "Call ID": record["call_id"],
        "Date": record["date"],
        "Company": record["company"],
        "Customer ID": record["customer_id"],
        "Channel": record["channel"],
    }


def plain(record: Record) -> str:
    """Plain text: a header, then a line a turn, the agent's name and position with it."""
    lines = [f"{k}: {v}" for k, v in head(record).items()] + [""]
    for turn in record["turns"]:
        if turn["role"] == "agent":
            lines.append(f"Agent ({turn['name']}, {turn['position']}): {turn['text']}")
        else:
            lines.append(f"{turn['role'].capitalize()}: {turn['text']}")
    return "\n".join(lines) + "\n"


def timed(record: Record) -> str:
    """Plain text with the time before each turn."""
    lines = [f"{k}: {v}" for k, v in head(record).items()] + [""]
    for turn, (start, _) in zip(record["turns"], seconds(record), strict=True):
        clock = f"[{int(start) // 3600:02d}:{int(start) // 60 % 60:02d}:{int(start) % 60:02d}]"
        who = (
            f"Agent ({turn['name']}, {turn['position']})"
            if turn["role"] == "agent"
            else turn["role"].capitalize()
        )
        lines.append(f"{clock} {who}: {turn['text']}")
    return "\n".join(lines) + "\n"


def vtt(record: Record) -> str:
    """WebVTT with voice tags."""

    def stamp(value: float) -> str:
        return f"{int(value) // 3600:02d}:{int(value) // 60 % 60:02d}:{value % 60:06.3f}"

    out = ["WEBVTT", ""]
    for key, value in head(record).items():
        out += [f"NOTE {key}: {value}", ""]
    for turn, (start, end) in zip(record["turns"], seconds(record), strict=True):
        who = (
            f"Agent ({turn['name']}, {turn['position']})"
            if turn["role"] == "agent"
            else turn["role"].capitalize()
        )
        text = turn["text"].replace("&", "&amp;").replace("<", "&lt;")
        out += [f"{stamp(start)} --> {stamp(end)}", f"<v {who}>{text}", ""]
    return "\n".join(out)


def native(record: Record) -> str:
    """The native record, one object."""
    return json.dumps(unlabelled(record), ensure_ascii=False, indent=1) + "\n"


def unlabelled(record: Record) -> Record:
    """The record without its marks."""
    return {k: v for k, v in record.items() if k not in {"commitments", "stonewalls", "links"}}


def table(records: list[Record]) -> str:
    """CSV, a row a turn, all calls in one file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        [
            "call_id",
            "date",
            "company",
            "customer_id",
            "channel",
            "speaker",
            "name",
            "position",
            "text",
        ]
    )
    for r in records:
        for t in r["turns"]:
            writer.writerow(
                [r["call_id"], r["date"], r["company"], r["customer_id"], r["channel"], t["role"],
                 t.get("name", ""), t.get("position", ""), t["text"]]
            )  # fmt: skip
    return out.getvalue()


_EACH: dict[str, tuple[str, Callable[[Record], str]]] = {
    "alpenglow": ("txt", plain),
    "strandbox": ("vtt", vtt),
    "fernhall": ("json", native),
    "vantel": ("txt", timed),
}


def build() -> dict[Path, str]:
    """Every file of the corpus that is made from the source, with its text."""
    files: dict[Path, str] = {}
    labels: list[str] = []
    for source in sorted((HERE / "gold" / "corpus").glob("*.txt")):
        company = source.stem
        records = markup.read_calls(source, company)
        folder = ROOT / "corpus" / company / "calls"
        if company in _EACH:
            suffix, write = _EACH[company]
            for record in records:
                files[folder / f"{record['call_id']}.{suffix}"] = write(record)
        elif company == "badgeworks":
            files[folder / "calls.csv"] = table(records)
        else:
            lines = [json.dumps(unlabelled(r), ensure_ascii=False) for r in records]
            files[folder / "calls.jsonl"] = "\n".join(lines) + "\n"
        labels += [json.dumps(r, ensure_ascii=False) for r in records]
    files[HERE / "gold" / "corpus.jsonl"] = "\n".join(labels) + "\n"
    return files


def main(arguments: list[str]) -> int:
    """Write the files, or with ``--check`` say which differ."""
    files = build()
    stale = [p for p, text in files.items() if not p.is_file() or p.read_text("utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(
                f"{path.relative_to(ROOT)} is not what eval/make_corpus.py writes", file=sys.stderr
            )
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], encoding="utf-8")
    print(f"{len(files)} files, {len(stale)} written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
