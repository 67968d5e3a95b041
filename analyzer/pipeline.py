"""Where the parts meet: a call and the policy book go in, a grounded analysis comes out."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from analyzer.config import Settings
from analyzer.domain import Analysis, Call
from analyzer.engines import Engine
from analyzer.errors import AnalyzerError, CallSetAside, ConfigError
from analyzer.evidence import ground
from analyzer.policy_book import PolicyBook, PolicyView
from analyzer.scoring import load_scorecard, score_call

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Outcome:
    """What became of one call.

    Attributes:
        call: The call.
        analysis: The grounded analysis, or None if the call was set aside.
        reason: Why it was set aside, in one sentence; None if it was analysed.
    """

    call: Call
    analysis: Analysis | None
    reason: str | None = None


def build_engine(settings: Settings, *, name: str | None = None, threads: int = 0) -> Engine:
    """The engine that an option or the settings ask for.

    ``auto`` is the LLM engine where a key or an address of a chat model is set, else the embedded.

    Args:
        settings: The settings.
        name: ``auto``, ``embedded``, ``llm`` or ``cascade``; None takes the settings' own.
        threads: Of the embedded engine's encoder; 0 leaves it to onnxruntime.

    Raises:
        ConfigError: If there is no such engine, or its settings cannot be honoured.
    """
    engine: Any = _build(settings, name or settings.engine, threads)
    # Calls are scored where they are analysed, in whatever process that is.
    engine.scorecard = load_scorecard(settings.scorecard)
    return cast("Engine", engine)


def _build(settings: Settings, wanted: str, threads: int) -> Engine:
    if wanted == "auto":
        wanted = "llm" if settings.has_model else "embedded"
    if wanted == "embedded":
        from analyzer.engines.embedded.engine import EmbeddedEngine

        if threads:
            from analyzer.embedders import PackagedEmbedder

            return EmbeddedEngine(PackagedEmbedder(threads=threads))
        return EmbeddedEngine()
    if wanted == "llm":
        from analyzer.engines.llm.building import build_llm_engine

        return build_llm_engine(settings)
    if wanted == "cascade":
        from analyzer.engines.cascade import CascadeEngine
        from analyzer.engines.llm.building import build_llm_engine

        return CascadeEngine(settings, build_llm_engine(settings))
    raise ConfigError(f"There is no engine {wanted!r}; choose auto, embedded, llm or cascade.")


def analyze_call(call: Call, *, engine: Engine, book: PolicyBook | None) -> Analysis:
    """Analyse one call.

    Args:
        call: The call.
        engine: What reads it.
        book: The policies, or None where there are none.

    Returns:
        The grounded, scored analysis. Where no clause can be said to be in force (no policies, no
        date), verdicts are null, marks go to review, and ``notes`` says why.

    Raises:
        CallSetAside: If the call's company is not in the book, or the engine cannot judge the call.
        EngineError: If the engine failed.
    """
    view, note = _view_for(call, book)
    return _completed(engine.analyze(call, view), view, note, engine)


async def analyze_with(
    call: Call,
    analyze: Callable[[Call, PolicyView | None], Awaitable[Analysis]],
    *,
    engine: Engine,
    book: PolicyBook | None,
) -> Analysis:
    """As :func:`analyze_call`, for an engine that is awaited."""
    view, note = _view_for(call, book)
    return _completed(await analyze(call, view), view, note, engine)


def _completed(
    raw: Analysis, view: PolicyView | None, note: str | None, engine: Engine
) -> Analysis:
    """What an engine marked, grounded, scored, and with what it was made by."""
    analysis = ground(raw, view)
    card = getattr(engine, "scorecard", None) or load_scorecard()
    if view is None:
        analysis = analysis.model_copy(
            update={
                "commitments": tuple(
                    m.model_copy(update={"needs_review": m.strength != "hedged"})
                    for m in analysis.commitments
                )
            }
        )
    return analysis.model_copy(
        update={
            "commitments": tuple(
                m.model_copy(update={"clause_versions": _versions(m.clauses, view)})
                for m in analysis.commitments
            ),
            "engine": engine.name,
            "model": engine.model,
            "prompt_version": engine.prompt_version,
            "policy_version": view.version if view else None,
            "notes": (*analysis.notes, *([note] if note else [])),
            # What was promised but not judged is neither clean nor not.
            "score": score_call(analysis, card) if view or not _promised(analysis) else None,
            "scorecard": card.key if view or not _promised(analysis) else None,
        }
    )


def _versions(clause_ids: Iterable[str], view: PolicyView | None) -> tuple[str, ...]:
    found = (view.find_clause(c) for c in clause_ids) if view else ()
    return tuple(clause.version for clause in found if clause is not None)


def _promised(analysis: Analysis) -> bool:
    return any(mark.strength != "hedged" for mark in analysis.commitments)


def _view_for(call: Call, book: PolicyBook | None) -> tuple[PolicyView | None, str | None]:
    """The clauses in force for a call; a note where there are none or the company is a guess."""
    if book is None or not book.clauses:
        return None, (
            "No policies are loaded, so no verdict is given; add them with `wordbond policies add`."
        )
    company = _company_of(call, book)
    if call.date is None:
        return None, (
            "The call carries no date, so no clause can be said to be in force and no verdict is "
            "given; give one with --date."
        )
    view = book.view(company, call.date)
    if not view.clauses:
        return None, (
            f"No clause of {company} was in force on {call.date}, so no verdict is given; check "
            "effective_from of its policies."
        )
    known = {company.casefold(), book.companies[company].casefold()}
    if call.company and call.company.casefold() not in known:
        return view, (
            f"The call's company {call.company!r} is unknown; it was judged by {company}'s "
            "policies."
        )
    return view, None


def _company_of(call: Call, book: PolicyBook) -> str:
    company = book.find_company(call.company)
    if company is not None:
        return company
    several = ", ".join(sorted(book.companies))
    if call.company is None:
        raise CallSetAside(
            f"Call {call.call_id} names no company and the policies are of several ({several}); "
            "name it with --company."
        )
    nearest = book.nearest_company(call.company)
    hint = f"did you mean {nearest!r}?" if nearest else f"the companies are {several}."
    raise CallSetAside(
        f"Call {call.call_id} is of company {call.company!r}, which has no policies; {hint} "
        "Correct the company in the transcript, or add that company's policies."
    )


def describe_surprise(error: Exception) -> str:
    """Why a call was set aside when nobody foresaw the reason; names no word of the call."""
    return (
        f"the engine met something that it did not foresee ({type(error).__name__}); report it "
        "with what `wordbond --debug` prints"
    )


def work_ahead(
    items: Iterable[_Item], work: Callable[[_Item], _Result], *, engine: Engine
) -> Iterator[_Result]:
    """Do work on items in order, on several at once where the engine waits for a server.

    Args:
        items: Taken as they are needed, no more than twice the engine's ``concurrency`` ahead.
        work: Done on each.
        engine: Whose ``concurrency`` counts; one without it takes one item after the other.

    Yields:
        Results in the order of the items. What ``work`` raises ends the rest.
    """
    concurrency = getattr(engine, "concurrency", 1)
    if concurrency <= 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(concurrency, thread_name_prefix="wordbond-call") as pool:
        under_way: deque[Future[_Result]] = deque()
        try:
            for item in items:
                under_way.append(pool.submit(work, item))
                # Twice as many are handed over as can be under way, so that a slow first one, whose
                # result is waited for, leaves no place empty.
                if len(under_way) >= 2 * concurrency:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()
            if under_way and (stop := getattr(engine, "stop", None)) is not None:
                # The run ends early: nobody waits for the answers that are still to come.
                stop()


def analyze_many(
    calls: Iterable[Call], *, engine: Engine, book: PolicyBook | None
) -> Iterator[Outcome]:
    """Analyse calls; one that cannot be judged is set aside with its reason.

    Yields:
        What became of each, in the order of the calls.

    Raises:
        ConfigError: If the engine's settings are wrong, since no other call would fare better.
    """
    return work_ahead(calls, lambda call: _outcome(call, engine, book), engine=engine)


def _outcome(call: Call, engine: Engine, book: PolicyBook | None) -> Outcome:
    try:
        return Outcome(call, analyze_call(call, engine=engine, book=book))
    except ConfigError:
        raise
    except AnalyzerError as error:
        return Outcome(call, None, str(error))
    except Exception as error:  # noqa: BLE001 - one call's surprise must not cost all others
        # Without the error's own words, which may be the call's.
        return Outcome(call, None, describe_surprise(error))
