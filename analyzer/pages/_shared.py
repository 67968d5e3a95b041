"""What the pages share: the handles on settings, stores and engine, and pieces drawn on several."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from analyzer.config import Settings, load_settings
from analyzer.embedders import Embedder, build_embedder
from analyzer.engines import Engine
from analyzer.pages._escaping import as_html, as_label
from analyzer.pages._jobs import AnalysisJob, Done, Progress, Work, prepare_samples
from analyzer.pages._wording import say_call, say_count
from analyzer.pipeline import build_engine
from analyzer.policy_book import PolicyBook, PolicyView
from analyzer.policy_library import PolicyLibrary
from analyzer.results import CallRow, ResultStore

FOLDER = Path(__file__).parent
CALL_PAGE = str(FOLDER / "call.py")
CALLS_PAGE = str(FOLDER / "calls.py")
POLICIES_PAGE = str(FOLDER / "policies.py")
UPLOAD_PAGE = str(FOLDER / "upload.py")

_JOB = "shared.job"
_SEEN = "shared.job.seen"
_POLL_S = 0.4


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """The settings, read once."""
    return load_settings()


@st.cache_resource(show_spinner=False, on_release=lambda opened: opened.close())
def store() -> ResultStore:
    """The database of calls and results."""
    return ResultStore.open(settings().resolved_database_url)


@st.cache_resource(
    show_spinner="Opening the policy library …", on_release=lambda opened: opened.close()
)
def library() -> PolicyLibrary:
    """The policy library."""
    return PolicyLibrary.open(settings(), embedder())


@st.cache_resource(show_spinner=False)
def embedder() -> Embedder:
    """What turns clauses and promises into vectors."""
    return build_embedder(settings())


@st.cache_resource(show_spinner=False, ttl=30, max_entries=1)
def book() -> PolicyBook:
    """Everything in the library, at most half a minute old; see :func:`forget_book`."""
    return library().book()


def forget_book() -> None:
    """Read the library anew the next time it is asked for: its policies have changed."""
    book.clear()


@st.cache_resource(show_spinner="Loading the engine …")
def engine() -> Engine:
    """The engine that the settings ask for."""
    return build_engine(settings())


@st.cache_resource(show_spinner=False)
def _engine_lock() -> threading.Lock:
    return threading.Lock()


def today() -> dt.date:
    """This day, where the app runs."""
    return dt.datetime.now().astimezone().date()


def draw_style() -> None:
    """The style sheet of what is drawn as HTML."""
    st.html(FOLDER / "style.css")


def draw_footer() -> None:
    """What this is running on, in one quiet line."""
    model = settings().model if settings().has_model else None
    parts = (
        f"{engine().name} engine",
        f"model {model}" if model else "no chat model configured",
        f"data in {settings().home}",
    )
    st.html(f'<div class="wb-footer">{as_html(" · ".join(parts))}</div>')


def company_names() -> dict[str, str]:
    """Company keys that the library knows, with the names they are shown by."""
    return book().companies


def choose_view() -> PolicyView | None:
    """The clauses of a company in force on a day, as chosen; None where there are none."""
    names = company_names()
    if not names:
        st.caption("No document in the library is whole; add one.")
        return None
    left, middle, _ = st.columns([2, 1, 2])
    key = left.selectbox(
        "Company",
        sorted(names),
        format_func=lambda one: names.get(one, one),
        key="policies.owner",
        bind="query-params",
        persist_state="page",
    )
    day = middle.date_input(
        "In force on",
        today(),
        format="YYYY-MM-DD",
        key="policies.day",
        bind="query-params",
        persist_state="page",
    )
    return book().view(key, day)


def link_to_call(row: CallRow) -> None:
    """A link to a call that says what was found in it."""
    company = company_names().get(row.company or "", row.company or "no company")
    name = as_label(f"{row.call_id} · {company}")
    st.page_link(
        CALL_PAGE,
        label=f"**{name}**  {say_call(row)}",
        query_params={"company": row.company or "", "call": row.call_id},
    )


def start_job(prepare: Callable[[], Work]) -> None:
    """Begin to analyse, and show it from now on; one job a session."""
    begin(lambda *shared: AnalysisJob(prepare, *shared))


def begin(build: Callable[[Engine, ResultStore, threading.Lock], AnalysisJob]) -> None:
    """Begin a job, and show it from now on; one job a session.

    Args:
        build: Makes it of the engine, the results, and the lock that is held for the engine.
    """
    job = build(engine(), store(), _engine_lock())
    st.session_state[_JOB] = job
    job.start()
    st.rerun()


def current_job() -> AnalysisJob | None:
    """The job of this session, at work or over; None if there is none."""
    job: AnalysisJob | None = st.session_state.get(_JOB)
    return job


def draw_sample_button(key: str) -> None:
    """A button that puts the sample policies into the library and analyses the sample calls."""
    if st.button("Analyse the sample calls", key=key):
        opened = library()
        start_job(lambda: prepare_samples(opened))


def draw_job(*, page: str, n_links: int) -> bool:
    """The job of this session: progress while it runs, then what became of it.

    Args:
        page: Name of the page, with which the keys begin.
        n_links: How many calls to link to, the worst first.

    Returns:
        Whether a job is at work.
    """
    job = current_job()
    if job is None:
        return False
    progress = job.look()
    if progress.is_running:
        st.fragment(_draw_progress, run_every=_POLL_S)(job, page)
        return True
    if st.session_state.get(_SEEN) is not job:
        st.session_state[_SEEN] = job
        forget_book()
    _draw_outcome(progress, page, n_links)
    return False


def _draw_progress(job: AnalysisJob, page: str) -> None:
    progress = job.look()
    if not progress.is_running:
        st.rerun()
    share = progress.n_done / progress.n_all if progress.n_all else 0.0
    said = f"{progress.n_done} of {say_count(progress.n_all, 'call')} analysed"
    st.progress(share, text=said if progress.n_all else "Reading policies and calls …")
    st.caption("You can leave this page; each call is stored as soon as it is done.")
    if st.button("Stop after this call", key=f"{page}.stop", type="tertiary"):
        job.stop()


def _draw_outcome(progress: Progress, page: str, n_links: int) -> None:
    analysed = [done for done in progress.done if done.reason is None]
    aside = [
        *(f"{done.source}, call {done.call.call_id}: {done.reason}"
          for done in progress.done if done.reason is not None),
        *progress.failures,
    ]  # fmt: skip
    if progress.error:
        st.error(as_label(progress.error))
    with st.container(key=f"{page}.outcome", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            said = f"**{say_count(len(analysed), 'call')} analysed and stored.**"
            st.markdown(said, width="content")
            if st.button("Close", key=f"{page}.close", type="tertiary"):
                del st.session_state[_JOB]
                st.rerun()
        if n_links:
            _draw_links(analysed, n_links)
        draw_set_aside(aside)


def _draw_links(analysed: Sequence[Done], n_links: int) -> None:
    rows = [store().find_call_row(done.call.company, done.call.call_id) for done in analysed]
    known = [row for row in rows if row is not None]
    known.sort(key=lambda row: (row.score is None, row.score))
    for row in known[:n_links]:
        link_to_call(row)
    if len(known) > n_links:
        st.page_link(CALLS_PAGE, label=f"and {len(known) - n_links} more: all calls")


def draw_set_aside(reasons: list[str]) -> None:
    """What could not be taken, a sentence each; nothing if there is none."""
    if not reasons:
        return
    items = "".join(f"<li>{as_html(reason)}</li>" for reason in reasons)
    what = say_count(len(reasons), "input was", "inputs were")
    st.html(f'<div class="wb-set-aside"><b>{what} set aside</b><ul>{items}</ul></div>')
