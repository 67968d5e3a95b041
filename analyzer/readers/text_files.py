"""Bytes to text, for every file that a person hands over: which encoding, and is it text at all."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from charset_normalizer import from_bytes

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a ZIP archive or an Office document",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"ID3": "an MP3 recording",
    b"RIFF": "a WAV recording",
    b"OggS": "an Ogg recording",
    b"\x1f\x8b": "a gzip archive",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"SQLite format 3": "a SQLite database",
}
_CONTROL_SHARE = 0.02


@dataclass(frozen=True)
class DecodedText:
    """Text with the encoding that it was read as; ``guessed`` if the file did not settle it."""

    text: str
    encoding: str
    guessed: bool


class NotTextError(ValueError):
    """The bytes are not text; the message says what they look like."""


def decode(data: bytes) -> DecodedText:
    """Turn a file's bytes into text.

    A byte-order mark settles the encoding, then strict UTF-8; what is neither is looked at for
    UTF-16 without a mark, then read as Windows-1252, which short Western files nearly always are
    (statistical detection mistakes them for Baltic or Turkish code pages).

    Raises:
        NotTextError: If the bytes are no text at all, or there are none.
    """
    if not data.strip():
        raise NotTextError("the file is empty")
    for mark, name in _BOMS:
        if data.startswith(mark):
            try:
                return _checked(data.decode(name), name, guessed=False)
            except UnicodeDecodeError as error:
                raise NotTextError(f"the file says it is {name} but byte {error.start} is not") from None
    for magic, what in _MAGIC.items():
        if data.startswith(magic):
            raise NotTextError(f"the file is {what}, not text")
    sample = data[:4096]
    if b"\x00" in sample:
        for name, nulls in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
            if nulls and nulls.count(0) > 0.4 * len(nulls):
                try:
                    return _checked(data.decode(name), name, guessed=True)
                except UnicodeDecodeError:
                    break
        raise NotTextError("the file is binary, not text")
    try:
        return _checked(data.decode("utf-8"), "utf-8", guessed=False)
    except UnicodeDecodeError:
        pass
    best = from_bytes(data[:65536]).best()
    if best is not None and best.encoding in {"shift_jis", "cp932", "euc_jp", "gb18030", "big5", "euc_kr", "cp1251", "koi8_r"}:
        try:
            return _checked(data.decode(best.encoding), best.encoding, guessed=True)
        except UnicodeDecodeError:
            pass
    return _checked(data.decode("cp1252", errors="replace"), "cp1252", guessed=True)


def _checked(text: str, encoding: str, *, guessed: bool) -> DecodedText:
    head = text[:20000]
    control = sum(1 for ch in head if (ord(ch) < 32 and ch not in "\t\n\r\x0b\x0c") or ch == "\ufffd")  # noqa: PLR2004
    if control > _CONTROL_SHARE * len(head):
        raise NotTextError("the file is binary, not text")
    if not head.strip():
        raise NotTextError("the file is empty")
    return DecodedText(text.replace("\r\n", "\n").replace("\r", "\n"), encoding, guessed)


def read_text_file(path: Path) -> DecodedText:
    """Read and decode a file; see :func:`decode`.

    Raises:
        NotTextError: If it holds no text.
        OSError: If it cannot be opened.
    """
    return decode(path.read_bytes())
