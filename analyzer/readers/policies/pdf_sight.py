"""Which characters of a PDF's page a reader sees.

What nobody sees binds nobody, so it must not become a clause. Left out are characters

- in invisible type (render modes 3 and 7) or in white on white, unless a picture covers them
  and the pictures of the page cover a good part of it: that is a scan, and the words behind it
  are those that text recognition found in it;
- that lie wholly outside the page's crop box;
- smaller than two points.

Where the ground under white type is not known (a picture, a pattern, a gradient) it is kept, as
titles often stand on such. Words under an opaque shape, in a layer that is switched off, or outside
a clipping path count as seen: pdfminer knows neither opacity, layers nor clipping.
"""

from __future__ import annotations

from typing import Any

from pdfminer.layout import LTChar, LTContainer, LTCurve, LTPage, LTRect
from pdfminer.pdfinterp import PDFPageInterpreter
from pdfminer.utils import apply_matrix_rect
from pdfplumber.page import Page, PDFPageAggregatorWithMarkedContent

_Box = tuple[float, float, float, float]

_INVISIBLE = frozenset({3, 7})
_STROKED = frozenset({1, 2, 5, 6})
_LEAST_SIZE = 2.0
#: A component this near to white is white to the eye, and this near to no ink is none.
_WHITE, _NO_INK = 0.95, 0.05
_THICK = 3.0
#: Pictures that cover this share of a page make it a scan; a logo does not.
_LEAST_SCAN = 0.2
_ADDITIVE = frozenset({"DeviceGray", "DeviceRGB", "CalGray", "CalRGB", "ICCBased"})


class SeenPage(Page):
    """A page of pdfplumber whose characters are those that a reader sees.

    Attributes:
        n_unseen: Characters left out, without blanks; known once the page is read.
        n_recognised: Characters kept because they stand behind the picture of a scan.
    """

    n_unseen = 0
    n_recognised = 0

    @property
    def layout(self) -> LTPage:
        """The page's objects as pdfminer gives them."""
        if not hasattr(self, "_layout"):
            device = _Eye(self.pdf.rsrcmgr, pageno=self.page_number, laparams=None)
            _Interpreter(self.pdf.rsrcmgr, device).process_page(self.page_obj)
            self._layout = device.get_result()
            self.n_unseen, self.n_recognised = device.n_unseen, device.n_recognised
        return self._layout


class _Interpreter(PDFPageInterpreter):
    """Tells its device of gradients, which pdfminer passes over."""

    def do_sh(self, name: object) -> None:
        super().do_sh(name)
        if isinstance(self.device, _Eye):
            self.device.shade()


class _Eye(PDFPageAggregatorWithMarkedContent):
    """Collects a page's objects, and judges each character by what was painted before it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.n_unseen = 0
        self.n_recognised = 0
        self._mode = 0
        self._page: _Box = (0, 0, 0, 0)
        self._pictures: list[_Box] = []
        #: Places with whether they are white, in the order of painting.
        self._ground: list[tuple[_Box, bool]] = []
        self._faint: list[LTChar] = []
        self._gone: set[int] = set()

    def begin_page(self, page: Any, ctm: Any) -> None:
        super().begin_page(page, ctm)
        media = self.cur_item.bbox
        crop = apply_matrix_rect(ctm, page.cropbox)
        seen = (
            max(media[0], min(crop[0], crop[2])), max(media[1], min(crop[1], crop[3])),
            min(media[2], max(crop[0], crop[2])), min(media[3], max(crop[1], crop[3])),
        )  # fmt: skip
        is_sound = seen[0] < seen[2] and seen[1] < seen[3]
        self._page = seen if is_sound else media

    def render_string(self, textstate: Any, *args: Any, **kwargs: Any) -> None:
        self._mode = textstate.render
        super().render_string(textstate, *args, **kwargs)

    def render_char(self, *args: Any, **kwargs: Any) -> float:
        advance = super().render_char(*args, **kwargs)
        item = self._items()[-1]
        if isinstance(item, LTChar):
            if item.size < _LEAST_SIZE or not _meets(self._page, item):
                self._gone.add(id(item))
            elif self._mode in _INVISIBLE or self._is_lost(item):
                self._faint.append(item)
        return float(advance)

    def render_image(self, *args: Any, **kwargs: Any) -> None:
        super().render_image(*args, **kwargs)
        self._pictures.append(self.cur_item.bbox)
        self._ground.append((self.cur_item.bbox, False))

    def paint_path(self, *args: Any, **kwargs: Any) -> None:
        before = len(self._items())
        super().paint_path(*args, **kwargs)
        for item in self._items()[before:]:
            if isinstance(item, LTCurve):
                self._add_shape(item, args[0].ncs.name)

    def shade(self) -> None:
        """A gradient was painted, on a part of the page that pdfminer does not tell."""
        self._ground.append((self._page, False))

    def receive_layout(self, ltpage: LTPage) -> None:
        width, height = ltpage.width, ltpage.height
        covered = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in self._pictures)
        is_scan = covered >= _LEAST_SCAN * width * height
        for item in self._faint:
            if is_scan and any(_holds(picture, item) for picture in self._pictures):
                self.n_recognised += not item.get_text().isspace()
            else:
                self._gone.add(id(item))
        if self._gone:
            self._take_out(ltpage)
        super().receive_layout(ltpage)

    def _items(self) -> list[Any]:
        return self.cur_item._objs  # noqa: SLF001 - a container can be read in order, not from its end

    def _add_shape(self, item: LTCurve, space: str) -> None:
        """Remember a shape as the ground of what is painted after it."""
        if item.fill:
            is_white = _is_white(item.non_stroking_color, space)
            # Only of a rectangle is it known that it fills its box.
            if isinstance(item, LTRect) or not is_white:
                self._ground.append((item.bbox, is_white))
        elif item.stroke and item.linewidth >= _THICK:
            half = item.linewidth / 2
            x0, y0, x1, y1 = item.bbox
            self._ground.append(((x0 - half, y0 - half, x1 + half, y1 + half), False))

    def _is_lost(self, item: LTChar) -> bool:
        """Whether a character is white on the paper or on a white shape."""
        state = item.graphicstate
        if self._mode in _STROKED or not _is_white(state.ncolor, state.ncs.name):
            return False
        return next((white for box, white in reversed(self._ground) if _holds(box, item)), True)

    def _take_out(self, container: LTContainer[Any]) -> None:
        """Remove what is not seen, and count it."""
        kept = []
        for item in container:
            if id(item) in self._gone:
                self.n_unseen += not item.get_text().isspace()
                continue
            if isinstance(item, LTContainer):
                self._take_out(item)
            kept.append(item)
        container._objs = kept  # noqa: SLF001 - pdfminer has no way to take an object out


def _holds(box: _Box, item: LTChar) -> bool:
    """Whether the middle of a character lies in a box."""
    x, y = (item.x0 + item.x1) / 2, (item.y0 + item.y1) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _meets(box: _Box, item: LTChar) -> bool:
    """Whether any part of a character lies in a box."""
    return item.x1 > box[0] and item.x0 < box[2] and item.y1 > box[1] and item.y0 < box[3]


def _is_white(color: Any, space: str) -> bool:
    """Whether a colour is white; a pattern, a spot colour or an index is never taken for it."""
    parts = color if isinstance(color, tuple) else (color,)
    if not parts or not all(isinstance(part, int | float) for part in parts):
        return False
    if len(parts) == 4:  # noqa: PLR2004 - cyan, magenta, yellow, black
        return all(part <= _NO_INK for part in parts)
    return space in _ADDITIVE and all(part >= _WHITE for part in parts)
