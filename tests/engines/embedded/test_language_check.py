"""Is a call in English? By what it says of itself, else by its commonest words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.domain import Call
from analyzer.engines.embedded.language_check import looks_english

ENGLISH = (
    "Hello, you're through to billing, how can I help you today? I was charged twice for the same "
    "order and I would like to have one of the payments back please."
)
GERMAN = (
    "Guten Tag, mein Name ist Schmidt, was kann ich heute für Sie tun? Ich möchte meinen Vertrag "
    "kündigen und mein Geld zurück haben, bitte sehr, und zwar so schnell wie möglich noch heute."
)
FRENCH = (
    "Bonjour, je voudrais annuler mon abonnement et obtenir le remboursement de la dernière facture "
    "parce que le service ne marche pas depuis trois semaines et personne ne répond au téléphone."
)


def call(*texts, language=None, role="agent"):
    return Call.model_validate(
        {"language": language, "turns": [{"role": role, "text": text} for text in texts]}
    )


@pytest.mark.parametrize("language", ["en", "EN", "en-GB", "en_US", " eng ", "English"])
def test_a_call_that_says_it_is_english_is_believed(language):
    assert looks_english(call(GERMAN, language=language))


@pytest.mark.parametrize("language", ["de", "fr-CA", "es", "unknown"])
def test_a_call_that_says_it_is_not_is_believed_too(language):
    assert not looks_english(call(ENGLISH, language=language))


@pytest.mark.parametrize(
    ("text", "english"),
    [(ENGLISH, True), (ENGLISH.upper(), True), (GERMAN, False), (FRENCH, False)],
)
def test_common_words_tell(text, english):
    assert looks_english(call(text)) is english


@pytest.mark.parametrize("text", ["", "Guten Tag.", "...", "12 34 56", "Ja " * 20])
def test_a_call_of_few_words_gets_the_benefit_of_the_doubt(text):
    assert looks_english(call(text))


def test_what_the_system_says_does_not_count():
    system = {"role": "system", "text": ENGLISH}
    turns = [system, {"role": "agent", "text": GERMAN}, system, system]
    assert not looks_english(Call.model_validate({"turns": turns}))


def test_a_long_call_is_known_by_its_beginning():
    assert looks_english(call(ENGLISH * 90, *[GERMAN * 90] * 5))


def test_typographic_apostrophes_are_the_same_words():
    text = (
        "I’m sure it’s here, I’ll look, you’re right, that’s it, don’t you worry, I’ve got it " * 2
    )
    assert looks_english(call(text))


@given(st.lists(st.text(max_size=80), min_size=1, max_size=4))
def test_any_call_is_one_or_the_other(texts):
    assert looks_english(call(*texts)) in {True, False}
