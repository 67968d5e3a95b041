"""Every score of the annotation guide, by hand-computed examples and by what must always hold."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.evaluation.scores import count_calls, match_calls, summarise

SENTENCES = [
    "I'll refund the late fee today",
    "you have sixty days to send it back",
    "nobody will charge your card again",
    "my supervisor can call you tomorrow morning",
    "that upgrade costs nothing at all",
    "we'd normally refuse, but this once it's fine",
]
N_TURNS = 12
VERDICTS = [
    "contradicted",
    "exceeds_authority",
    "conditions_unverified",
    "supported",
    "not_addressed",
]


def mark(name, turn, sentence=0, *, strength="firm", verdict="supported", clauses=None, **more):
    """A commitment; hedged ones carry no verdict, and only `not_addressed` names no clause."""
    verdict = None if strength == "hedged" and "verdict" not in more else verdict
    named = [] if verdict in {None, "not_addressed"} else ["RET-1"]
    return {
        "id": name,
        "turn": turn,
        "quote": SENTENCES[sentence],
        "kind": "promise",
        "strength": strength,
        "verdict": verdict,
        "clauses": named if clauses is None else clauses,
        "retrieved": named if clauses is None else clauses,
        **more,
    }


def hedged(name, turn, sentence=0, **more):
    return mark(name, turn, sentence, strength="hedged") | more


def wall(start, end):
    return {
        "start": start,
        "end": end,
        "tactics": ["non_answer"],
        "severity": 2,
        "quote": SENTENCES[0],
    }


def link(turn, to_call, to_commitment, relation="repeats"):
    return {
        "turn": turn,
        "to_call": to_call,
        "to_commitment": to_commitment,
        "relation": relation,
    }


def call(*marks, call_id="k1", company="ordway", walls=(), links=()):
    text = " ".join(f"{sentence}." for sentence in SENTENCES)
    return {
        "call_id": call_id,
        "company": company,
        "turns": [{"turn": n, "role": "agent", "text": text} for n in range(N_TURNS)],
        "commitments": list(marks),
        "stonewalls": list(walls),
        "links": list(links),
    }


def counts_of(gold, predicted):
    """Counts of calls against the records that answer them; None sets a call aside."""
    answers = {
        (answer["company"], answer["call_id"]): answer for answer in predicted if answer is not None
    }
    return count_calls(match_calls(gold, answers))


def scores_of(gold, predicted):
    return summarise(counts_of(gold, predicted))


def check(scores, **expected):
    """Names with underscores for spaces; a value, or a value and its number of items."""
    for name, want in expected.items():
        score = scores[name.replace("_", " ").replace(" macro F1", " macro-F1")]
        value, items = want if isinstance(want, tuple) else (want, score.items)
        assert score.value == (None if value is None else pytest.approx(value)), name
        assert score.items == items, name


@pytest.mark.parametrize(
    ("gold", "predicted", "f1", "precision", "recall"),
    [
        pytest.param([], [], None, None, None, id="nothing to find, nothing predicted"),
        pytest.param([], [mark("p", 1)], 0, 0, None, id="nothing to find, one predicted"),
        pytest.param([mark("g", 1)], [], 0, None, 0, id="one to find, nothing predicted"),
        pytest.param([mark("g", 1)], [mark("p", 1)], 1, 1, 1, id="one found"),
        pytest.param([mark("g", 1)], [mark("p", 3)], 0, 0, 0, id="another turn"),
        pytest.param(
            [mark("g1", 1), mark("g2", 3), mark("g3", 5)],
            [mark("p1", 1), mark("p2", 7)],
            2 / 5,
            1 / 2,
            1 / 3,
            id="one of three, one of two",
        ),
        pytest.param(
            [mark("g1", 1), mark("g2", 3, strength="conditional")],
            [mark("p1", 1, strength="conditional"), mark("p2", 3)],
            1,
            1,
            1,
            id="conditional counts as firm does",
        ),
        pytest.param([hedged("g", 1)], [], None, None, None, id="hedged gold is not required"),
        pytest.param(
            [hedged("g", 1)], [mark("p", 1)], None, None, None, id="nor wrong to have marked"
        ),
        pytest.param(
            [hedged("g", 1)],
            [mark("p1", 1), mark("p2", 1)],
            0,
            0,
            None,
            id="but it excuses one mark only",
        ),
        pytest.param([], [hedged("p", 1)], None, None, None, id="a hedged prediction is not wrong"),
        pytest.param(
            [mark("g", 1)], [hedged("p", 1)], 0, None, 0, id="nor does it find a firm mark"
        ),
        pytest.param(
            [mark("g", 1)],
            [hedged("p1", 1), mark("p2", 1)],
            1,
            1,
            1,
            id="nor does it take one from a firm prediction",
        ),
        pytest.param(
            [mark("g1", 1, 0), hedged("g2", 1, 1)],
            [mark("p", 1, quote=f"{SENTENCES[0]}. {SENTENCES[1]}")],
            1,
            1,
            1,
            id="a hedged gold mark takes no prediction from a firm one",
        ),
    ],
)
def test_commitments(gold, predicted, f1, precision, recall):
    scores = scores_of([call(*gold)], [call(*predicted)])
    check(scores, commitment_F1=f1, commitment_precision=precision, commitment_recall=recall)


def test_items_of_a_recall_are_gold_marks_and_of_a_precision_predicted_ones():
    gold = call(mark("g1", 1), mark("g2", 3), mark("g3", 5), hedged("g4", 7))
    predicted = call(mark("p1", 1), mark("p2", 7), hedged("p3", 9), mark("p4", 11))
    scores = scores_of([gold], [predicted])
    check(
        scores,
        commitment_F1=(2 / 5, 3),
        commitment_recall=(1 / 3, 3),
        commitment_precision=(1 / 2, 2),
    )


def test_kind_and_strength_are_counted_over_all_matched_marks():
    gold = call(
        mark("g1", 1), mark("g2", 3, strength="conditional"), hedged("g3", 5), mark("g4", 7)
    )
    predicted = call(mark("p1", 1, kind="assurance"), mark("p2", 3), mark("p3", 5), mark("p4", 9))
    scores = scores_of([gold], [predicted])
    check(scores, kind_accuracy=(2 / 3, 3), strength_accuracy=(1 / 3, 3))


def test_verdicts_are_counted_over_matched_firm_and_conditional_marks():
    gold = call(
        mark("g1", 1, verdict="contradicted"),
        mark("g2", 3, verdict="exceeds_authority", strength="conditional"),
        mark("g3", 5, verdict="supported"),
        mark("g4", 7, verdict="supported"),
        mark("g5", 9, verdict="not_addressed"),
        mark("g6", 11, verdict="contradicted"),
        hedged("g7", 2),
        mark("g8", 4, verdict=None),
    )
    predicted = call(
        mark("p1", 1, verdict="contradicted"),
        mark("p2", 3, verdict="contradicted"),
        mark("p3", 5, verdict="supported"),
        mark("p4", 7, verdict="exceeds_authority"),
        mark("p5", 9, verdict=None),
        mark("p7", 2, verdict="contradicted"),
        mark("p8", 4, verdict="supported"),
    )
    scores = scores_of([gold], [predicted])
    # contradicted 2*1/(1+2), exceeds_authority 0/(1+1), supported 2*1/(2+1), not_addressed 0/1
    macro = (2 / 3 + 0 + 2 / 3 + 0) / 4
    check(scores, verdict_accuracy=(2 / 5, 5), verdict_macro_F1=(macro, 5))
    # found: g1 and g2, as either conflict; wrong: p4
    check(scores, conflict_F1=(2 * 2 / (2 + 3), 2))


def test_a_verdict_that_is_only_predicted_lowers_the_macro_f1():
    scores = scores_of(
        [call(mark("g1", 1), mark("g2", 3))],
        [call(mark("p1", 1), mark("p2", 3, verdict="not_addressed"))],
    )
    check(scores, verdict_macro_F1=(2 / 3 + 0) / 2)


def conflict(name, turn, sentence=0, **more):
    return mark(name, turn, sentence, verdict="contradicted", **more)


@pytest.mark.parametrize(
    ("gold", "predicted", "hits", "n_predicted", "n_gold"),
    [
        pytest.param([], [], 0, 0, 0, id="nothing"),
        pytest.param([conflict("g", 1)], [conflict("p", 1)], 1, 1, 1, id="found"),
        pytest.param(
            [conflict("g", 1)],
            [mark("p", 1, verdict="exceeds_authority")],
            1,
            1,
            1,
            id="found as the other conflict",
        ),
        pytest.param([conflict("g", 1)], [mark("p", 1)], 0, 0, 1, id="marked but not flagged"),
        pytest.param([conflict("g", 1)], [], 0, 0, 1, id="not marked"),
        pytest.param([mark("g", 1)], [conflict("p", 1)], 0, 1, 0, id="flagged though supported"),
        pytest.param([], [conflict("p", 1)], 0, 1, 0, id="flagged though no mark"),
        pytest.param([conflict("g", 1)], [conflict("p", 3)], 0, 1, 1, id="flagged elsewhere"),
        pytest.param(
            [conflict("g", 1)],
            [conflict("p1", 1), conflict("p2", 1)],
            1,
            2,
            1,
            id="a second flag on one mark is wrong",
        ),
        pytest.param(
            [hedged("g", 1)], [conflict("p", 1)], 0, 1, 0, id="flagged though hedged: wrong"
        ),
        pytest.param(
            [hedged("g", 1, verdict="contradicted")],
            [],
            0,
            0,
            0,
            id="a hedged gold mark is no conflict to be found",
        ),
        pytest.param(
            [conflict("g", 1)],
            [hedged("p", 1, verdict="contradicted")],
            1,
            1,
            1,
            id="a flag counts on a hedged prediction, for it",
        ),
        pytest.param([], [hedged("p", 1, verdict="contradicted")], 0, 1, 0, id="and against it"),
        pytest.param(
            [conflict("g", 1, strength="conditional")],
            [conflict("p", 1)],
            1,
            1,
            1,
            id="a conditional one",
        ),
    ],
)
def test_flags(gold, predicted, hits, n_predicted, n_gold):
    (counts,) = counts_of([call(*gold)], [call(*predicted)])
    assert (counts.flag.hits, counts.flag.predicted, counts.flag.gold) == (
        hits,
        n_predicted,
        n_gold,
    )
    total = n_predicted + n_gold
    check(
        summarise([counts]),
        flag_F1=(2 * hits / total if total else None, n_gold),
        flag_precision=(hits / n_predicted if n_predicted else None, n_predicted),
        flag_recall=(hits / n_gold if n_gold else None, n_gold),
    )


@pytest.mark.parametrize(
    ("gold", "predicted", "first", "in_five"),
    [
        pytest.param({}, {}, 1, 1, id="both"),
        pytest.param({}, {"clauses": ["RET-2", "RET-1"]}, 0, 1, id="named second"),
        pytest.param({}, {"clauses": []}, 0, 1, id="none named"),
        pytest.param({}, {"clauses": None, "retrieved": None}, 0, 0, id="null"),
        pytest.param({}, {"retrieved": ["a", "b", "c", "d", "RET-1"]}, 1, 1, id="fifth"),
        pytest.param({}, {"retrieved": ["a", "b", "c", "d", "e", "RET-1"]}, 1, 0, id="sixth"),
        pytest.param({}, {"retrieved": []}, 1, 0, id="nothing retrieved"),
        pytest.param({}, {"clauses": ["RET-1", "a", "b"]}, 1, 1, id="three named"),
        pytest.param({}, {"clauses": ["RET-1", "a", "b", "c"]}, 0, 0, id="four named"),
        pytest.param(
            {"clauses": ["RET-9", "RET-1"]}, {}, 0, 0, id="only the decisive clause counts"
        ),
        pytest.param({}, {"verdict": "contradicted"}, 1, 1, id="whatever the verdict"),
        pytest.param({"verdict": "not_addressed"}, {}, None, None, id="no clause speaks to it"),
        pytest.param({"clauses": []}, {}, None, None, id="no clause to be found"),
        pytest.param({"verdict": None}, {}, None, None, id="not judged"),
        pytest.param({"strength": "hedged"}, {}, None, None, id="hedged"),
        pytest.param({}, {"turn": 5}, None, None, id="not matched"),
    ],
)
def test_clauses(gold, predicted, first, in_five):
    scores = scores_of([call(mark("g", 1) | gold)], [call(mark("p", 1) | predicted)])
    items = 0 if first is None else 1
    check(scores, clause_first=(first, items), clause_in_five=(in_five, items))


@pytest.mark.parametrize(
    ("gold", "predicted", "turn_f1", "span_f1"),
    [
        pytest.param([], [], None, None, id="nothing"),
        pytest.param([wall(2, 5)], [wall(2, 5)], 1, 1, id="the same"),
        pytest.param([wall(2, 5)], [], 0, 0, id="missed"),
        pytest.param([], [wall(2, 5)], 0, 0, id="invented"),
        pytest.param([wall(2, 5)], [wall(4, 7)], 2 * 2 / 8, 0, id="a third of the union"),
        pytest.param([wall(2, 5)], [wall(3, 6)], 2 * 3 / 8, 1, id="three fifths of the union"),
        pytest.param(
            [wall(2, 5)], [wall(2, 3), wall(4, 5)], 1, 2 / 3, id="cut in two: one of them matches"
        ),
        pytest.param(
            [wall(0, 3), wall(2, 5)], [wall(0, 5)], 1, 2 / 3, id="turns of two spans count once"
        ),
    ],
)
def test_stonewalls(gold, predicted, turn_f1, span_f1):
    scores = scores_of([call(walls=gold)], [call(walls=predicted)])
    check(scores, stonewall_turn_F1=turn_f1, stonewall_span_F1=(span_f1, len(gold)))


EARLIER = call(mark("g1", 1, 0), mark("g2", 1, 1), call_id="k1")
EARLIER_SEEN = call(mark("p7", 1, 1), mark("p8", 1, 0), mark("p9", 9), call_id="k1")


@pytest.mark.parametrize(
    ("gold", "predicted", "hits"),
    [
        pytest.param(
            [link(3, "k1", "g1")], [link(3, "k1", "p8")], 1, id="through the matched mark"
        ),
        pytest.param([link(3, "k1", "g1")], [link(3, "k1", "p7")], 0, id="another mark"),
        pytest.param([link(3, "k1", "g1")], [link(3, "k1", "g1")], 0, id="gold's own id"),
        pytest.param([link(3, "k1", "g1")], [link(3, "k1", "p9")], 0, id="a mark without match"),
        pytest.param([link(3, "k1", "g1")], [link(5, "k1", "p8")], 0, id="another turn"),
        pytest.param(
            [link(3, "k1", "g1")], [link(3, "k1", "p8", "denies")], 0, id="another relation"
        ),
        pytest.param([link(3, "k1", "g1")], [link(3, "k0", "p8")], 0, id="another call"),
        pytest.param(
            [link(3, "k1", "g1"), link(3, "k1", "g2")],
            [link(3, "k1", "p8"), link(3, "k1", "p7")],
            2,
            id="two",
        ),
    ],
)
def test_links_lead_to_the_gold_mark_that_the_linked_mark_matches(gold, predicted, hits):
    later = call(call_id="k2", links=gold)
    later_seen = call(call_id="k2", links=predicted)
    scores = scores_of([EARLIER, later], [EARLIER_SEEN, later_seen])
    check(scores, links_F1=(2 * hits / (len(gold) + len(predicted)), len(gold)))


def test_links_stay_within_a_company():
    other = call(mark("gx", 1, 0), call_id="k1", company="pellworth")
    other_seen = call(mark("p8", 1, 0), call_id="k1", company="pellworth")
    later = call(call_id="k2", links=[link(3, "k1", "g1")])
    later_seen = call(call_id="k2", links=[link(3, "k1", "p8")])
    for order in (1, -1):
        scores = scores_of(
            [EARLIER, other, later][::order], [EARLIER_SEEN, other_seen, later_seen][::order]
        )
        check(scores, links_F1=(1, 1))


@pytest.mark.parametrize(
    ("gold", "predicted", "quiet"),
    [
        pytest.param(call(), call(), True, id="both quiet"),
        pytest.param(call(mark("g", 1)), call(mark("p", 3)), True, id="marks are no noise"),
        pytest.param(call(), call(conflict("p", 1)), False, id="a false flag"),
        pytest.param(call(), call(walls=[wall(2, 5)]), False, id="a false stonewall"),
        pytest.param(call(conflict("g", 1)), call(), None, id="a conflict to be found"),
        pytest.param(call(walls=[wall(2, 5)]), call(), None, id="a stonewall to be found"),
        pytest.param(call(), None, False, id="set aside: nobody looked"),
    ],
)
def test_quiet_calls(gold, predicted, quiet):
    scores = scores_of([gold], [predicted])
    items = 0 if quiet is None else 1
    check(scores, quiet_calls=(None if quiet is None else float(quiet), items))


def test_the_share_of_firm_and_conditional_predictions_sent_to_review():
    predicted = call(
        mark("p1", 1, needs_review=True),
        mark("p2", 3, strength="conditional", needs_review=False),
        mark("p3", 5),
        hedged("p4", 7, needs_review=True),
    )
    check(scores_of([call()], [predicted]), sent_to_review=(1 / 3, 3))


def test_quotes_are_verbatim_if_they_stand_in_their_turn_or_span():
    predicted = call(
        mark("p1", 1),
        mark("p2", 1, quote=SENTENCES[0].upper()),
        mark("p3", N_TURNS + 5),
        walls=[wall(0, 2), wall(0, 2) | {"quote": "nobody said it"}, wall(0, 2) | {"quote": None}],
    )
    check(scores_of([call()], [predicted]), quotes_verbatim=(2 / 6, 6))


def test_a_call_that_was_set_aside_misses_all_there_was_to_find():
    first = call(conflict("g1", 1), walls=[wall(2, 5)])
    second = call(conflict("g2", 1), walls=[wall(2, 5)], call_id="k2", links=[link(3, "k1", "g1")])
    scores = scores_of([first, second], [first, None])
    for name in ("commitment_F1", "flag_F1", "stonewall_turn_F1", "stonewall_span_F1"):
        check(scores, **{name: 2 / 3})
    check(scores, links_F1=(0, 1), verdict_accuracy=(1, 1), commitment_precision=(1, 1))


def test_figures_are_of_all_calls_together_not_means_of_calls():
    first = call(mark("g1", 1), mark("g2", 3), mark("g3", 5))
    second = call(mark("g4", 1), call_id="k2")
    scores = scores_of([first, second], [call(), second])
    check(scores, commitment_recall=(1 / 4, 4))


def test_no_calls_have_no_scores():
    assert {(score.value, score.items) for score in summarise([]).values()} == {(None, 0)}


# Marks that stand on different turns, so that what matches what is plain.
strengths = st.sampled_from(["firm", "conditional", "hedged"])
verdicts = st.sampled_from(VERDICTS)


@st.composite
def marked_calls(draw, strengths=strengths, call_id="k1"):
    places = draw(
        st.lists(
            st.tuples(st.integers(0, 5), st.integers(0, len(SENTENCES) - 1)),
            unique=True,
            max_size=6,
        )
    )
    marks = [
        mark(
            f"{call_id}-{n}",
            turn,
            sentence,
            strength=draw(strengths),
            verdict=draw(verdicts),
            kind=draw(st.sampled_from(["promise", "assurance", "exception"])),
        )
        for n, (turn, sentence) in enumerate(places)
    ]
    starts = draw(st.lists(st.integers(0, N_TURNS - 3), max_size=2))
    walls = [wall(start, start + draw(st.integers(0, 2))) for start in starts]
    links = [
        link(draw(st.integers(0, N_TURNS - 1)), call_id, name["id"])
        for name in marks
        if draw(st.booleans())
    ]
    return call(*marks, call_id=call_id, walls=walls, links=links)


ERRORS = {"sent to review"}


@settings(deadline=None)
@given(marked_calls())
def test_a_perfect_prediction_scores_one_wherever_there_is_something_to_count(gold):
    scores = scores_of([gold], [copy.deepcopy(gold)])
    assert {s.value for name, s in scores.items() if name not in ERRORS} <= {1.0, None}
    assert all((score.value is None) == (score.items == 0) for score in scores.values())


@settings(deadline=None)
@given(marked_calls())
def test_an_empty_prediction_finds_nothing_and_is_quiet(gold):
    scores = scores_of([gold], [call()])
    for name, score in scores.items():
        if name == "quiet calls":
            assert score.value in {1.0, None}
        else:
            assert score.value in {0.0, None}


@settings(deadline=None)
@given(marked_calls(), marked_calls(), st.randoms())
def test_the_order_of_marks_changes_nothing(gold, predicted, random):
    def shuffled(record):
        lists = ("commitments", "stonewalls", "links")
        return record | {name: random.sample(record[name], len(record[name])) for name in lists}

    expected = scores_of([gold], [predicted])
    assert scores_of([shuffled(gold)], [shuffled(predicted)]) == expected


@settings(deadline=None)
@given(
    marked_calls(strengths=st.sampled_from(["firm", "conditional"])),
    marked_calls(strengths=st.sampled_from(["firm", "conditional"])),
)
def test_without_hedges_f1_and_accuracy_are_the_same_from_either_side(gold, predicted):
    ahead, back = scores_of([gold], [predicted]), scores_of([predicted], [gold])
    same = [name for name in ahead if "F1" in name and name != "links F1"]
    for name in [*same, "kind accuracy", "strength accuracy", "verdict accuracy"]:
        assert ahead[name].value == pytest.approx(back[name].value), name
    assert ahead["commitment precision"].value == back["commitment recall"].value
    assert ahead["flag precision"].value == back["flag recall"].value


@settings(deadline=None)
@given(marked_calls(), marked_calls(), verdicts)
def test_a_false_mark_never_raises_a_precision_or_an_f1(gold, predicted, verdict):
    before = scores_of([gold], [predicted])
    false = mark("false", N_TURNS - 1, verdict=verdict)
    after = scores_of([gold], [predicted | {"commitments": [*predicted["commitments"], false]}])
    for name in ("commitment precision", "commitment F1", "flag precision", "flag F1"):
        if before[name].value is not None:
            assert after[name].value <= before[name].value
    assert after["commitment recall"] == before["commitment recall"]


@settings(deadline=None)
@given(marked_calls(), marked_calls())
def test_a_hedged_prediction_beside_the_others_changes_no_figure_of_commitments(gold, predicted):
    more = predicted["commitments"] + [
        hedged(f"h{n}", other["turn"], SENTENCES.index(other["quote"]))
        for n, other in enumerate(predicted["commitments"])
    ]
    before, after = (
        scores_of([gold], [predicted]),
        scores_of([gold], [{**predicted, "commitments": more}]),
    )
    if not any(other["strength"] == "hedged" for other in gold["commitments"]):
        for name in ("commitment precision", "commitment recall", "commitment F1"):
            assert after[name] == before[name]


@settings(deadline=None)
@given(marked_calls(), marked_calls(), marked_calls(call_id="k2"))
def test_setting_a_call_aside_raises_no_recall(gold, predicted, other):
    full = scores_of([gold, other], [predicted, copy.deepcopy(other)])
    less = scores_of([gold, other], [predicted, None])
    for name in ("commitment recall", "flag recall", "quiet calls"):
        if full[name].value is not None:
            assert less[name].value <= full[name].value
