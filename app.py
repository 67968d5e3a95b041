"""The app: page config, navigation, run. The pages are files of ``analyzer/pages``."""

from __future__ import annotations

import streamlit as st

from analyzer.errors import AnalyzerError
from analyzer.pages import _shared
from analyzer.pages._escaping import as_label

PAGES = {
    _shared.UPLOAD_PAGE: "Upload",
    _shared.CALLS_PAGE: "Calls",
    _shared.CALL_PAGE: "Call",
    _shared.POLICIES_PAGE: "Policies",
}


def main() -> None:
    """Draw the page that the address names; an error of ours is shown as its sentence."""
    st.set_page_config(page_title="Wordbond", layout="wide")
    st.logo(_shared.FOLDER / "wordbond.svg", size="medium")
    page = st.navigation(
        [st.Page(path, title=title) for path, title in PAGES.items()], position="top"
    )
    _shared.draw_style()
    try:
        page.run()
        _shared.draw_footer()
    except AnalyzerError as error:
        st.error(as_label(str(error)))


main()
