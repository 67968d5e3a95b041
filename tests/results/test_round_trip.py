"""Whatever an analysis holds, the store gives back the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.domain import (
    VERDICTS,
    Amount,
    Analysis,
    Call,
    Commitment,
    Condition,
    Due,
    Link,
    SetAside,
    Stonewall,
    Turn,
    Usage,
)
from analyzer.results import ResultStore

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
some_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
maybe = st.one_of(st.none(), text)
share = st.one_of(st.none(), st.floats(0, 1))
turn_numbers = st.integers(0, 5)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2),
    max_leaves=4,
)


@st.composite
def calls(draw: st.DrawFn) -> Call:
    spoken = st.fixed_dictionaries(
        {"role": st.sampled_from(["agent", "customer", "system"]), "text": text},
        optional={
            "name": text,
            "position": text,
            "start": st.floats(0, 1e5),
            "x_added": json_values,
        },
    )
    turns = draw(st.lists(spoken, min_size=1, max_size=5))
    known = st.fixed_dictionaries(
        {"call_id": some_text},
        optional={
            "company": maybe,
            "date": st.dates(),
            "customer_id": maybe,
            "agent_id": maybe,
            "team": maybe,
            "language": maybe,
            "x_added": json_values,
        },
    )
    numbered = [Turn.model_validate({"turn": n, **turn}) for n, turn in enumerate(turns)]
    return Call.model_validate({**draw(known), "turns": numbered})


commitments = st.builds(
    Commitment,
    id=some_text,
    turn=turn_numbers,
    quote=some_text,
    kind=st.sampled_from(["promise", "assurance", "exception"]),
    strength=st.sampled_from(["firm", "conditional", "hedged"]),
    summary=maybe,
    due=st.none() | st.builds(Due, said=some_text, date=st.none() | st.dates()),
    amount=st.none()
    | st.builds(Amount, value=st.floats(allow_nan=False, allow_infinity=False), currency=maybe),
    withdrawn_at=st.none() | turn_numbers,
    policy_conflict=st.lists(text, max_size=2).map(tuple),
    verdict=st.sampled_from([None, *VERDICTS]),
    clauses=st.lists(text, max_size=3).map(tuple),
    resolution=st.sampled_from([None, "honour", "honour_with_disclosure", "escalate", "correct"]),
    why=maybe,
    retrieved=st.lists(text, max_size=3).map(tuple),
    clause_quote=maybe,
    conditions=st.lists(
        st.builds(Condition, text=some_text, met=st.none() | st.booleans()), max_size=2
    ).map(tuple),
    confidence=share,
    needs_review=st.booleans(),
    x_added=json_values,
)
tactics = st.sampled_from(["repeated_position", "flat_refusal", "runaround", "threat"])
stonewalls = st.builds(
    lambda start, length, **rest: Stonewall(start=start, end=start + length, **rest),
    start=turn_numbers,
    length=turn_numbers,
    tactics=st.lists(tactics, min_size=1, max_size=3).map(tuple),
    severity=st.sampled_from([1, 2, 3]),
    quote=maybe,
    confidence=share,
    needs_review=st.booleans(),
)
links = st.builds(
    Link,
    turn=turn_numbers,
    to_call=some_text,
    to_commitment=some_text,
    relation=st.sampled_from(["repeats", "denies", "fulfils", "breaks", "discloses"]),
)
set_aside = st.builds(
    SetAside,
    what=st.sampled_from(["commitment", "stonewall", "link"]),
    reason=some_text,
    mark=st.dictionaries(text, json_values, max_size=2),
)
analyses = st.builds(
    Analysis,
    call=calls(),
    commitments=st.lists(commitments, max_size=3).map(tuple),
    stonewalls=st.lists(stonewalls, max_size=2).map(tuple),
    links=st.lists(links, max_size=2).map(tuple),
    score=st.none() | st.integers(0, 100),
    engine=maybe,
    model=maybe,
    prompt_version=maybe,
    policy_version=maybe,
    usage=st.builds(Usage, tokens_in=st.integers(0, 10**6), cost_usd=st.none() | st.floats(0, 9)),
    set_aside=st.lists(set_aside, max_size=2).map(tuple),
    notes=st.lists(text, max_size=2).map(tuple),
    x_added=json_values,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ResultStore]:
    folder: Path = tmp_path_factory.mktemp("store")
    with ResultStore.open(f"sqlite:///{folder / 'wordbond.db'}") as opened:
        yield opened


@given(analysis=analyses)
@settings(max_examples=40, deadline=None)
def test_gives_back_the_same_analysis(store: ResultStore, analysis: Analysis) -> None:
    # What differs only in notes, costs or empty extras counts as the same: a call of its own each.
    call_id = f"{store.count_calls()} {analysis.call.call_id}"
    company, call = analysis.call.company, analysis.call.model_copy(update={"call_id": call_id})
    analysis = analysis.model_copy(update={"call": call})
    saved = store.save_analysis(analysis)
    found = store.get_analysis(company, call_id, result_id=saved.result_id)
    assert found == analysis
    assert found.to_record() == analysis.to_record()
    assert found.call.content_hash == call.content_hash
    assert store.find_call(company, call_id) == call

    before = store.stats()
    assert store.save_analysis(analysis).result_id == saved.result_id
    assert store.stats() == before
    findings = store.list_findings(result_id=saved.result_id, limit=None)
    assert len(findings) == len(analysis.commitments) + len(analysis.stonewalls)
