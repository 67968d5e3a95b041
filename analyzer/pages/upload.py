"""Upload: transcripts are dropped, shown as read, corrected where needed, and analysed."""

from __future__ import annotations

import streamlit as st

from analyzer.pages import _shared
from analyzer.pages._correction_form import ALL, draw_correction, own_corrections
from analyzer.pages._escaping import as_label
from analyzer.pages._jobs import Work
from analyzer.pages._uploads import Correction, Upload, UploadReader, render_items, summarise
from analyzer.pages._wording import say_count

_LATEST = 5
_LINKS = 12

reader: UploadReader = st.session_state.setdefault("upload.reader", UploadReader())
is_busy = _shared.draw_job(page="upload", n_links=_LINKS)

files = st.file_uploader(
    "Drop call transcripts here: plain text, WebVTT, CSV, JSON or JSON lines",
    accept_multiple_files=True,
    key="upload.files",
)
uploads = [Upload(file.file_id, file.name, file.getvalue()) for file in files]
own = own_corrections()
reading = reader.read(uploads, own.get(ALL, Correction()), own)

if uploads:
    left, right = st.columns([2, 1], gap="large")
    with left:
        st.markdown(as_label(summarise(reading)))
        if not _shared.company_names():
            st.page_link(
                _shared.POLICIES_PAGE,
                label="There are no policies yet, so nothing will be judged. Add policies first",
            )
        if reading.items and st.button(
            f"Analyse {say_count(len(reading.items), 'call')}",
            type="primary",
            key="upload.analyse",
            disabled=is_busy,
        ):
            calls = [item.read for item in reading.items]
            opened = _shared.library()
            failures = reading.failures
            _shared.start_job(lambda: Work(calls, opened.book(), failures))
        _shared.draw_set_aside([str(failure) for failure in reading.failures])
        if reading.items:
            st.html(render_items(reading.items, chosen=st.session_state.get("upload.chosen")))
    with right:
        if reading.items:
            draw_correction(reading.items)
else:
    latest = _shared.store().list_calls(limit=_LATEST)
    if latest:
        st.markdown("**The latest calls**")
        for row in latest:
            _shared.link_to_call(row)
    elif not is_busy:
        st.markdown("Nothing to hand? Look at the sample calls of six made-up companies first.")
        _shared.draw_sample_button("upload.samples")
