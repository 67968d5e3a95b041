# ruff: noqa: PT017
"""PDFs made to harm: each is refused in one sentence, in bounded memory and time."""

from __future__ import annotations

import base64
import functools
import resource
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.errors import PolicyError
from analyzer.readers.policies.pdf import Limits, read_layout
from tests.readers.policies.ugly import UGLY

HOUSE = b"BT /F1 11 Tf 72 700 Td (Refunds take ten days.) Tj ET"
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
#: Less than is usual, so that the tests are quick.
TIGHT = Limits(open_s=1, page_s=0.0, total_s=1, memory_mb=80, wait_s=60)


def stream(data: bytes, filters: str = "", more: str = "") -> bytes:
    """A stream object that says it is packed with filters."""
    names = f"/Filter[{filters}]" if filters else ""
    return f"<<{more}{names}/Length {len(data)}>>stream\n".encode() + data + b"\nendstream"


def file_of(*objects: bytes) -> bytes:
    """A PDF of numbered objects; the first is the catalog."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    size = len(objects) + 1
    out += f"trailer<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF".encode()
    return bytes(out)


def page_of(content: bytes, *more: bytes, font: bytes = FONT, resources: bytes = b"") -> bytes:
    """A PDF of one page: object 4 is its content, and what follows has numbers from 5 on."""
    return file_of(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 "
        + font + b">>" + resources + b">>>>",
        content,
        *more,
    )  # fmt: skip


@functools.cache
def repeated(piece: bytes, n: int) -> bytes:
    """A piece n times, deflated; packed once, so that a gigabyte costs a test nothing."""
    packer = zlib.compressobj(9)
    first = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    other = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    check = 1
    for _ in range(n):
        check = zlib.adler32(piece, check)
    return first + other * (n - 1) + b"\x03\x00" + check.to_bytes(4)


def zeros(megabytes: int, character: bytes = b" ") -> bytes:
    return repeated(character * (1024 * 1024), megabytes)


def run_length(n: int, character: bytes = b" ") -> bytes:
    return (b"\x81" + character) * (n // 128) + b"\x80"


def packed_codes(codes: list[tuple[int, int]]) -> bytes:
    value, width = 0, sum(bits for _, bits in codes)
    for code, bits in codes:
        value = value << bits | code
    return value.to_bytes(width // 8)


def lzw(megabytes: int) -> bytes:
    """LZW of blanks, in rounds of 29 MB that are whole bytes and alike, so that they deflate."""
    sizes = range(258, 4090)
    widths = [9 + (size >= 511) + (size >= 1023) + (size >= 2047) for size in sizes]
    codes = [(32, 9), *zip(sizes, widths, strict=True), (256, 12)]
    return packed_codes([(256, 9)] * 8) + packed_codes(codes * 4) * (megabytes // 29)


def deflated() -> bytes:
    return page_of(stream(zeros(400), "/FlateDecode"))


def deflated_twice() -> bytes:
    return page_of(stream(zlib.compress(zeros(400), 9), "/FlateDecode/FlateDecode"))


def deflated_with_a_broken_end() -> bytes:
    return page_of(stream(zeros(400)[:-4] + b"\0\0\0\0", "/FlateDecode"))


def lzw_inside() -> bytes:
    return page_of(stream(zlib.compress(lzw(1500), 9), "/FlateDecode/LZWDecode"))


def run_lengths() -> bytes:
    packed = zlib.compress(run_length(200_000_000), 9)
    return page_of(stream(packed, "/FlateDecode/RunLengthDecode"))


def ascii_85() -> bytes:
    packed = base64.a85encode(zeros(400)) + b"~>"
    return page_of(stream(packed, "/ASCII85Decode/FlateDecode"))


def predicted() -> bytes:
    data = stream(zeros(120, b"\0"), "/FlateDecode", "/DecodeParms<</Predictor 12/Columns 4>>")
    return page_of(data)


def object_stream() -> bytes:
    """The page's content lies beside an object stream that holds its font."""
    packed = stream(zeros(400), "/FlateDecode", "/Type/ObjStm/N 1/First 8")
    return with_xref_stream([b"<</Type/Catalog/Pages 6 0 R>>", packed], inside={6: 2})


def xref_stream() -> bytes:
    return with_xref_stream([b"<</Type/Catalog/Pages 2 0 R>>"], entries=zeros(400, b"\0"))


def with_xref_stream(
    objects: list[bytes], inside: dict[int, int] | None = None, entries: bytes | None = None
) -> bytes:
    out, places = bytearray(b"%PDF-1.7\n"), {}
    for number, body in enumerate(objects, start=1):
        places[number] = len(out)
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start, last = len(out), 10
    rows = b""
    for number in range(last):
        kind, place = (1, places[number]) if number in places else (0, 0)
        if number in (inside or {}):
            kind, place = 2, (inside or {})[number]
        rows += bytes([kind]) + place.to_bytes(4) + b"\0"
    size = last if entries is None else 150_000_000
    head = f"/Type/XRef/W[1 4 1]/Size {size}/Root 1 0 R"
    packed = zlib.compress(rows) if entries is None else entries
    out += b"10 0 obj\n" + stream(packed, "/FlateDecode", head) + b"\nendobj\n"
    return bytes(out + f"startxref\n{start}\n%%EOF".encode())


def unicode_map() -> bytes:
    font = FONT[:-2] + b"/ToUnicode 5 0 R>>"
    return page_of(stream(HOUSE), stream(zeros(400), "/FlateDecode"), font=font)


def unicode_ranges() -> bytes:
    """A map of a few bytes that names billions of characters."""
    cmap = b"begincmap " + b"1 beginbfrange <00000000> <ffffffff> <0041> endbfrange " * 3
    font = b"<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/ToUnicode 5 0 R/Descendant"
    font += b"Fonts[<</Type/Font/Subtype/CIDFontType2/BaseFont/X/CIDSystemInfo<<>>>>]>>"
    return page_of(stream(HOUSE), stream(cmap + b"endcmap"), font=font)


def widths() -> bytes:
    font = b"<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[<</Type/Font"
    font += b"/Subtype/CIDFontType2/BaseFont/X/CIDSystemInfo<<>>/W[0 2000000000 500]>>]>>"
    return page_of(stream(HOUSE), font=font)


def font_file() -> bytes:
    font = b"<</Type/Font/Subtype/Type1/BaseFont/X/FontDescriptor<</FontFile 5 0 R>>>>"
    head = "/Length1 1000000000/Length2 0/Length3 0"
    return page_of(stream(HOUSE), stream(zeros(400), "/FlateDecode", head), font=font)


def inline_image() -> bytes:
    """One picture in the content, whose end never comes."""
    return page_of(stream(repeated(b"BI /W 9 /H 9 ID " + b"x" * 4096, 100_000), "/FlateDecode"))


def operators() -> bytes:
    return page_of(stream(repeated(b"0 0 1 1 re f " * 4000, 300), "/FlateDecode"))


def states() -> bytes:
    return page_of(stream(repeated(b"q " * 40_000, 300), "/FlateDecode"))


def states_and_back() -> bytes:
    """Much to do that leaves nothing behind."""
    return page_of(stream(repeated(b"q Q " * 20_000, 600), "/FlateDecode"))


def characters() -> bytes:
    line = b"BT /F1 9 Tf 1 0 0 1 72 700 Tm (" + b"a" * 90 + b") Tj ET "
    return page_of(stream(repeated(line * 500, 300), "/FlateDecode"))


def nested_lists() -> bytes:
    return page_of(stream(repeated(b"[" * 60_000, 300), "/FlateDecode"))


def one_name() -> bytes:
    return page_of(stream(zeros(400, b"a"), "/FlateDecode"))


def forms_that_draw_each_other(n: int = 9) -> bytes:
    """Ten calls in each of nine forms: a hundred million times the same words."""
    forms = []
    for number in range(5, 5 + n):
        is_last = number == 4 + n
        content = HOUSE if is_last else b"/X Do " * 10
        below = f"/Resources<</XObject<</X {number + 1} 0 R>>/Font<</F1 ".encode() + FONT + b">>>>"
        head = b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]" + below
        forms.append(stream(content, more=head.decode()))
    return page_of(stream(b"/X Do"), *forms, resources=b"/XObject<</X 5 0 R>>")


def contents_many_times() -> bytes:
    pages = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents["
        + b"4 0 R " * 200_000 + b"]/Resources<</Font<</F1 " + FONT + b">>>>>>",
        stream(zlib.compress(b"0 0 1 1 re f " * 1000), "/FlateDecode"),
    ]  # fmt: skip
    return file_of(*pages)


def deep_pages() -> bytes:
    """A tree of pages twenty thousand levels deep."""
    kids = [f"<</Type/Pages/Kids[{number} 0 R]/Count 1>>".encode() for number in range(3, 20_000)]
    return file_of(b"<</Type/Catalog/Pages 2 0 R>>", *kids)


def pages_in_a_ring() -> bytes:
    return file_of(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 9>>")


TOO_LARGE = "unpacks to more than"
TOO_SLOW = "takes far longer to read"
EITHER = (TOO_LARGE, TOO_SLOW)
#: Each with the sentences that may refuse it: of memory and time, one or the other ends first.
BOMBS: list[tuple[Callable[[], bytes], tuple[str, ...]]] = [
    (deflated_twice, (TOO_LARGE,)),
    (lzw_inside, EITHER),
    (run_lengths, EITHER),
    (predicted, EITHER),
    (object_stream, (TOO_LARGE,)),
    (xref_stream, (TOO_LARGE,)),
    (unicode_map, (TOO_LARGE,)),
    (widths, EITHER),
    (operators, EITHER),
    (states_and_back, EITHER),
    (forms_that_draw_each_other, EITHER),
    (deep_pages, ("damaged",)),
    (pages_in_a_ring, ("damaged",)),
]
MORE_BOMBS: list[tuple[Callable[[], bytes], tuple[str, ...]]] = [
    (deflated, (TOO_LARGE,)),
    (deflated_with_a_broken_end, (TOO_LARGE,)),
    (ascii_85, (TOO_LARGE,)),
    (unicode_ranges, EITHER),
    (font_file, (TOO_LARGE,)),
    (inline_image, EITHER),
    (states, EITHER),
    (characters, EITHER),
    (nested_lists, EITHER),
    (one_name, EITHER),
    (contents_many_times, EITHER),
]


def write(folder: Path, content: bytes) -> Path:
    path = folder / "policy.pdf"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("make", "sentences"),
    [pytest.param(*bomb, id=bomb[0].__name__) for bomb in BOMBS]
    + [pytest.param(*bomb, id=bomb[0].__name__, marks=pytest.mark.slow) for bomb in MORE_BOMBS],
)
def test_a_bomb_is_refused_in_one_sentence(
    tmp_path: Path, make: Callable[[], bytes], sentences: tuple[str, ...]
) -> None:
    path = write(tmp_path, make())
    begin = time.monotonic()
    with pytest.raises(PolicyError) as caught:
        read_layout(path, limits=TIGHT)
    assert time.monotonic() - begin < TIGHT.wait_s
    assert any(sentence in caught.value.message for sentence in sentences)
    assert str(caught.value).startswith(f"{path}: this ")
    assert "\n" not in str(caught.value)


#: Reads a file and says how many megabytes this process, and the largest that it started, took.
MEASURE = """
import resource, sys
from pathlib import Path
from analyzer.errors import PolicyError
from analyzer.readers.policies.pdf import Limits, read_layout
try:
    read_layout(Path(sys.argv[1]))
except PolicyError as error:
    own = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
    print(int(own) // 1024, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
    print(error.message)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_bomb_takes_less_than_400_megabytes(tmp_path: Path) -> None:
    path = write(tmp_path, deflated_twice())
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
    )
    figures, message = done.stdout.splitlines()
    own, other = map(int, figures.split())
    assert own < 100
    assert other < 400
    assert message == (
        "this PDF unpacks to more than 280 MB, which no document does; print it to a new PDF in a "
        "viewer, or check where it comes from"
    )


def test_a_file_that_is_never_done(tmp_path: Path) -> None:
    path = write(tmp_path, forms_that_draw_each_other())
    with pytest.raises(PolicyError, match="was not read after 1 seconds") as caught:
        read_layout(path, limits=Limits(wait_s=1))
    assert caught.value.path == path


@pytest.mark.slow
def test_pages_add_to_the_time(tmp_path: Path) -> None:
    path = write(tmp_path, forms_that_draw_each_other(5))
    with pytest.raises(PolicyError, match=TOO_SLOW):
        read_layout(path, limits=Limits(open_s=1, page_s=0))
    # Reading goes on, to another end.
    with pytest.raises(PolicyError, match=r"characters, which no page does|unpacks"):
        read_layout(path, limits=Limits(open_s=1, page_s=60, memory_mb=100))


def test_a_process_that_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, page_of(stream(HOUSE)))
    monkeypatch.setattr("analyzer.readers.policies.pdf._BEGIN", "import sys; sys.exit(7)")
    with pytest.raises(PolicyError, match=r"died \(exit code 7\)"):
        read_layout(path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    with pytest.raises(PolicyError, match=r"cannot be started \(No such file"):
        read_layout(path)


def test_the_limits_of_this_process_stay(tmp_path: Path) -> None:
    kinds = (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_CORE)
    before = [resource.getrlimit(kind) for kind in kinds]
    layout = read_layout(write(tmp_path, page_of(stream(HOUSE))))
    assert [block.text for block in layout.blocks] == ["Refunds take ten days."]
    assert [resource.getrlimit(kind) for kind in kinds] == before


@pytest.mark.parametrize("name", ["two-columns.pdf", "merged.pdf", "partly-scanned.pdf"])
def test_both_processes_read_the_same(tmp_path: Path, name: str) -> None:
    from analyzer.readers.policies.pdf_pages import lay_out

    path = tmp_path / name
    next(make for known, make, _ in UGLY if known == name)(path)
    assert read_layout(path) == lay_out(path)


def test_a_name_and_words_that_no_shell_and_no_coding_spoils(tmp_path: Path) -> None:
    path = tmp_path / "-c 'x' $HOME; ü \u2028 ☂.pdf"
    cmap = b"begincmap 1 beginbfchar <52> <D83D00410A2028> endbfchar endcmap"
    font = FONT[:-2] + b"/ToUnicode 5 0 R>>"
    path.write_bytes(page_of(stream(HOUSE), stream(cmap), font=font))
    from analyzer.readers.policies.pdf_pages import lay_out

    assert read_layout(path) == lay_out(path)


def test_a_file_that_is_not_there_is_told_by_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_layout(tmp_path / "none.pdf")


def test_files_are_read_in_threads(tmp_path: Path) -> None:
    good = write(tmp_path, page_of(stream(HOUSE)))
    bad = tmp_path / "bomb.pdf"
    bad.write_bytes(deflated_twice())

    def read(path: Path) -> str:
        try:
            return read_layout(path).blocks[0].text
        except PolicyError as error:
            return error.message

    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(read, [good, bad, good]))
    assert found[0] == found[2] == "Refunds take ten days."
    assert TOO_LARGE in found[1]


@settings(max_examples=5)
@given(
    st.lists(st.sampled_from(["/FlateDecode", "/ASCIIHexDecode", "/RunLengthDecode"]), max_size=4),
    st.binary(max_size=200),
)
def test_streams_of_any_making_end_in_a_layout_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, filters: list[str], content: bytes
) -> None:
    path = write(tmp_path_factory.mktemp("any"), page_of(stream(content, "".join(filters))))
    try:
        assert read_layout(path, limits=TIGHT).blocks
    except PolicyError as error:
        assert error.path == path
