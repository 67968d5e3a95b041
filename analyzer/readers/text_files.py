"""Bytes to text, for every file that a person hands over: which encoding, and is it text at all."""

from __future__ import annotations

import codecs
import re
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
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a ZIP archive or an Office document",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"ID3": "an MP3 recording",
    b"RIFF": "a WAV recording",
    b"OggS": "an Ogg recording",
    b"fLaC": "a FLAC recording",
    b"\x1f\x8b": "a gzip archive",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"SQLite format 3\x00": "a SQLite database",
}
#: Code pages that a detector tells from Western text reliably, because their letters are others.
_FAR_FROM_WESTERN = frozenset(
    {"shift_jis", "cp932", "euc_jp", "gb18030", "big5", "euc_kr", "cp1251", "koi8_r"}
)
_SAMPLE = 4096
_HEAD = 20_000
_DETECTED = 65_536
_LONGEST_UTF8 = 4
#: Control codes that no text holds, and the mark of what could not be decoded.
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\ufffd]")
_CONTROL_SHARE = 0.02
_NULL_SHARE = 0.4
_GOOD_TO_BAD = 4


@dataclass(frozen=True)
class DecodedText:
    r"""Text with the encoding that it was read as; ``guessed`` if the file did not settle it.

    Line ends are ``\n`` whatever the file had.
    """

    text: str
    encoding: str
    guessed: bool


class NotTextError(ValueError):
    """The bytes are not text; the message says what they look like."""


def decode(data: bytes) -> DecodedText:
    """Turn a file's bytes into text.

    A byte-order mark settles the encoding, then strict UTF-8; UTF-8 that was cut off in mid-letter
    or has a few broken bytes among many good ones is still UTF-8. What is neither is looked at for
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
                message = f"the file says it is {name} but byte {error.start} is not"
                raise NotTextError(message) from None
    for magic, what in _MAGIC.items():
        if data.startswith(magic) and _has_control_bytes(data[len(magic) : 64], magic):
            raise NotTextError(f"the file is {what}, not text")
    if b"\x00" in data[:_SAMPLE]:
        return _decode_wide(data)
    return _decode_utf8(data) or _decode_by_detection(data)


def _has_control_bytes(after: bytes, magic: bytes) -> bool:
    """Tells a recording from a text that happens to begin with the same letters."""
    return not magic.isalnum() or any(byte < ord("\t") for byte in after)


def _decode_wide(data: bytes) -> DecodedText:
    sample = data[:_SAMPLE]
    for name, nulls in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        if nulls and nulls.count(0) > _NULL_SHARE * len(nulls):
            try:
                return _checked(data.decode(name), name, guessed=True)
            except UnicodeDecodeError:
                break
    raise NotTextError("the file is binary, not text")


def _decode_utf8(data: bytes) -> DecodedText | None:
    try:
        return _checked(data.decode("utf-8"), "utf-8", guessed=False)
    except UnicodeDecodeError as error:
        if error.start > len(data) - _LONGEST_UTF8 and error.reason == "unexpected end of data":
            cut = data[: error.start].decode("utf-8")
            if not cut.isascii():
                return _checked(cut, "utf-8", guessed=True)
    loose = data.decode("utf-8", errors="replace")
    bad = loose.count("\ufffd")
    good = sum(1 for letter in loose if letter > "\x7f") - bad
    if good > _GOOD_TO_BAD * bad:
        return _checked(loose, "utf-8", guessed=True)
    return None


def _decode_by_detection(data: bytes) -> DecodedText:
    best = from_bytes(data[:_DETECTED]).best()
    if best is not None and best.encoding in _FAR_FROM_WESTERN:
        try:
            return _checked(data.decode(best.encoding), best.encoding, guessed=True)
        except UnicodeDecodeError:
            pass
    return _checked(data.decode("cp1252", errors="replace"), "cp1252", guessed=True)


def _checked(text: str, encoding: str, *, guessed: bool) -> DecodedText:
    head = text[:_HEAD]
    control = len(_CONTROL.findall(head))
    if control > max(1.0, _CONTROL_SHARE * len(head)):
        raise NotTextError("the file is binary, not text")
    if not text.strip():
        raise NotTextError("the file is empty")
    return DecodedText(text.replace("\r\n", "\n").replace("\r", "\n"), encoding, guessed)


def read_text_file(path: Path) -> DecodedText:
    """Read and decode a file; see :func:`decode`.

    Raises:
        NotTextError: If it holds no text.
        OSError: If it cannot be opened.
    """
    return decode(path.read_bytes())
