"""Labels and words that tell agents from customers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.readers.transcripts.labels import Label, is_generic, looks_like_label, read_label
from analyzer.readers.transcripts.roles import Finding, find_roles

AGENT = ["Thank you for calling Brightmoor, how can I help?", "Let me check your account."]
CUSTOMER = ["Hi, I was charged twice.", "I want my money back."]


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Agent", Label("agent")),
        ("agent_2", Label("agent")),
        ("CSR", Label("agent")),
        ("Rep", Label("agent")),
        ("Advisor", Label("agent")),
        ("Customer Service", Label("agent")),
        ("Guest Services", Label("agent")),
        ("Virtual Assistant", Label("agent")),
        ("Bot", Label("agent")),
        ("AUTOMATED_AGENT", Label("agent")),
        ("Supervisor", Label("agent", None, "supervisor")),
        ("Duty Manager", Label("agent", None, "duty manager")),
        ("Supervisor Omar", Label("agent", "Omar", "supervisor")),
        ("Agent Dana", Label("agent", "Dana")),
        ("Agent (Dana)", Label("agent", "Dana")),
        ("Agent (Dana, supervisor)", Label("agent", "Dana", "supervisor")),
        ("Agent (representative, Dana)", Label("agent", "Dana", "representative")),
        ("Agent (Dana, keeper)", Label("agent", "Dana", "keeper")),
        ("Agent (keeper, Dana)", Label("agent", "Dana", "keeper")),
        ("Agent [Supervisor]", Label("agent", None, "supervisor")),
        ("Dana (Agent)", Label("agent", "Dana")),
        ("Dana Lee (Agent, supervisor)", Label("agent", "Dana Lee", "supervisor")),
        ("Dana (Supervisor)", Label("agent", "Dana", "supervisor")),
        ("Dana - Agent", Label("agent", "Dana")),
        ("Dana / Agent", Label("agent", "Dana")),
        ("Customer", Label("customer")),
        ("END_USER", Label("customer")),
        ("Caller #2", Label("customer")),
        ("Customer Sam", Label("customer", "Sam")),
        ("Sam (caller)", Label("customer", "Sam")),
        ("Account holder", Label("customer")),
        ("System", Label("system")),
        ("IVR", Label("system")),
        ("Automated message", Label("system")),
        ("Dana Lee", Label(None, "Dana Lee")),
        ("Dana (Northwind)", Label(None, "Dana")),
        ("Speaker 0", Label()),
        ("spk_1", Label()),
        ("ch_0", Label()),
        ("A", Label()),
        ("", Label()),
    ],
)
def test_what_a_label_says(label, expected):
    assert read_label(label) == expected


@pytest.mark.parametrize("label", ["Speaker 1", "SPEAKER_00", "spk_0", "ch_1", "B", "Unknown", "3"])
def test_labels_that_only_number(label):
    assert is_generic(label)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Dana", True),
        ("Dr. Lee", True),
        ("Ludwig van Beethoven", True),
        ("O'Neil", True),
        ("Speaker 0", True),
        ("agent", True),
        ("the thing", False),
        ("10", False),
        ("Here's what I found out today", False),
        ("https", False),
    ],
)
def test_what_could_name_a_speaker(label, expected):
    assert looks_like_label(label) is expected


def test_words_tell_the_speakers_apart_in_either_order():
    for spoken in ({"S0": AGENT, "S1": CUSTOMER}, {"S1": CUSTOMER, "S0": AGENT}):
        found = find_roles(spoken, known={})
        assert (found["S0"].role, found["S1"].role) == ("agent", "customer")
        assert min(finding.confidence for finding in found.values()) > 0.9
        assert "thanks for calling" in found["S0"].how


def test_without_any_sign_the_first_speaker_is_taken_for_the_agent_and_unsure():
    found = find_roles({"Kim": ["Xyz."], "Lee": ["Abc."]}, known={})
    assert (found["Kim"].role, found["Lee"].role) == ("agent", "customer")
    assert all(finding.confidence < 0.7 for finding in found.values())


def test_the_companys_name_in_the_greeting_is_a_sign():
    spoken = {"Kim": ["Yes?"], "Lee": ["Brightmoor, good day."]}
    found = find_roles(spoken, known={}, company="Brightmoor")
    assert found["Lee"].role == "agent"


def test_a_call_handed_over_has_one_customer():
    spoken = {
        "Speaker 0": [AGENT[0], "I'll transfer you."],
        "Speaker 1": [*CUSTOMER, "Again, I was told so.", "Yes."],
        "Speaker 2": ["Omar speaking. How can I help?", "I can see it here."],
    }
    found = find_roles(spoken, known={})
    assert [found[label].role for label in spoken] == ["agent", "customer", "agent"]


def test_the_only_one_left_takes_the_role_that_is_missing():
    found = find_roles({"Agent": AGENT, "Sam": CUSTOMER}, known={})
    assert found["Agent"] == Finding("agent", 1.0, "the label says so")
    assert (found["Sam"].role, found["Sam"].how) == ("customer", "the only speaker left")
    found = find_roles({"Dana": AGENT, "Caller": CUSTOMER}, known={})
    assert found["Dana"].role == "agent"


def test_one_left_over_who_speaks_like_the_other_side_is_doubted():
    found = find_roles({"Agent": AGENT, "Omar": [*AGENT, "Anything else I can do?"]}, known={})
    assert found["Omar"].confidence < 0.7
    assert "the words say otherwise" in found["Omar"].how


def test_a_second_agent_beside_a_known_customer():
    spoken = {"Agent": AGENT, "Customer": CUSTOMER, "Omar": ["Let me see."]}
    assert find_roles(spoken, known={})["Omar"].role == "agent"


def test_the_letters_a_and_c_are_roles_only_together():
    found = find_roles({"C": AGENT, "A": CUSTOMER}, known={})
    assert (found["A"].role, found["C"].role) == ("agent", "customer")
    found = find_roles({"A": CUSTOMER, "B": AGENT}, known={})
    assert (found["A"].role, found["B"].role) == ("customer", "agent")


def test_what_is_known_wins():
    known = {"Agent": Finding("customer", 1.0, "set by the user")}
    found = find_roles({"Agent": AGENT, "Sam": CUSTOMER}, known=known)
    assert found["Agent"] == known["Agent"]
    assert found["Sam"].role == "agent"


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["Speaker 0", "Speaker 1", "Dana", "Sam", "Agent", "Caller", "IVR", "A"]),
        st.lists(st.sampled_from([*AGENT, *CUSTOMER, "Yes.", ""]), max_size=4),
        min_size=1,
    )
)
def test_every_speaker_gets_a_role_and_a_confidence(spoken):
    found = find_roles(spoken, known={})
    assert found.keys() == spoken.keys()
    assert all(0 <= finding.confidence <= 1 and finding.how for finding in found.values())
    people = [label for label in spoken if label != "IVR"]
    if len(people) > 1 and any(read_label(label).role is None for label in people):
        assert {"agent", "customer"} <= {found[label].role for label in people}
