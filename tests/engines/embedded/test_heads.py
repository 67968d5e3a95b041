"""Heads: linear, kept without loss, and refused where the file is not what it should be."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from analyzer.embedders import PackagedEmbedder
from analyzer.engines.embedded.heads import HEADS_PATH, Head, load_heads, save_heads
from analyzer.engines.embedded.pairs import JUDGE_FEATURES, RANK_FEATURES
from analyzer.engines.embedded.reading import SEGMENT_HAND, TURN_HAND
from analyzer.engines.embedded.verdicts import VECTOR_SCALES
from analyzer.errors import StoreError

WIDTH = PackagedEmbedder.dimension
SMALL = st.floats(-50, 50, width=32)


def arrays(*shape):
    return stn.arrays(np.float32, shape, elements=SMALL)


@st.composite
def any_head(draw):
    grams = draw(st.lists(st.text("abc ^$:<>", min_size=1, max_size=6), unique=True, max_size=5))
    classes = draw(st.lists(st.text("xyz_", min_size=1), unique=True, min_size=1, max_size=4))
    k, d = len(classes), draw(st.integers(1, 4))
    return Head(
        classes=tuple(classes),
        vocabulary={gram: row for row, gram in enumerate(grams)},
        gram_weights=draw(arrays(len(grams), k)).astype(np.float16).astype(np.float32),
        dense_weights=draw(arrays(d, k)),
        bias=draw(arrays(k)),
    )


HEAD = Head(
    classes=("no", "yes"),
    vocabulary={"refund": 0, "sorry": 1},
    gram_weights=np.array([[0, 2], [1, 0]], dtype=np.float32),
    dense_weights=np.array([[0, 1], [0, -1]], dtype=np.float32),
    bias=np.array([0, 0.5], dtype=np.float32),
)


@given(st.dictionaries(st.sampled_from(["mark", "join", "rank"]), any_head(), max_size=3))
def test_what_is_saved_is_read_back(tmp_path_factory, heads):
    path = tmp_path_factory.mktemp("heads") / "heads.npz"
    save_heads(path, heads, {"calls": 3, "thresholds": {"mark": 0.4}})
    found = load_heads(path)
    assert found.about == {"calls": 3, "thresholds": {"mark": 0.4}}
    assert set(found.heads) == set(heads)
    for name, head in heads.items():
        again = found[name]
        assert (again.classes, dict(again.vocabulary)) == (head.classes, dict(head.vocabulary))
        for part in ("gram_weights", "dense_weights", "bias"):
            np.testing.assert_array_equal(getattr(again, part), getattr(head, part))
            assert getattr(again, part).dtype == np.float32


def test_the_version_changes_with_the_weights(tmp_path):
    one, other = tmp_path / "one.npz", tmp_path / "other.npz"
    save_heads(one, {"mark": HEAD}, {})
    save_heads(other, {"mark": HEAD}, {"calls": 1})
    assert len(load_heads(one).version) == 10
    assert load_heads(one).version != load_heads(other).version


def npz(**parts):
    data = io.BytesIO()
    np.savez(data, **parts)
    return data.getvalue()


def npy():
    data = io.BytesIO()
    np.save(data, np.zeros(3))
    return data.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not an archive",
        b"PK\x03\x04 cut off",
        HEADS_PATH.read_bytes()[:5000],
        HEADS_PATH.read_bytes()[:3000] + b"\x00" * 50 + HEADS_PATH.read_bytes()[3050:],
        npy(),
        npz(nothing=np.zeros(1)),
        npz(about=np.array("{}"), **{"mark.bias": np.zeros(2)}),
        npz(about=np.array("not JSON")),
        npz(about=np.array([{"a": 1}], dtype=object)),
    ],
    ids=["empty", "text", "cut header", "cut", "overwritten", "one array", "foreign", "half a head",
         "no record", "pickled"],
)  # fmt: skip
def test_a_broken_file_is_refused_and_named(tmp_path, data):
    path = tmp_path / "heads.npz"
    path.write_bytes(data)
    with pytest.raises(StoreError, match=r"heads\.npz cannot be read .* install Wordbond again"):
        load_heads(path)


def test_a_missing_file_is_refused_and_named(tmp_path):
    with pytest.raises(StoreError, match=r"gone\.npz"):
        load_heads(tmp_path / "gone.npz")


def test_a_head_that_the_file_lacks_is_named(tmp_path):
    save_heads(tmp_path / "some.npz", {"mark": HEAD}, {})
    with pytest.raises(StoreError, match="no head 'verdict'"):
        load_heads(tmp_path / "some.npz")["verdict"]


def test_words_count_once_and_unknown_ones_not_at_all():
    dense = np.zeros((4, 2), dtype=np.float32)
    rows = HEAD.logits([["refund"], ["refund", "refund"], ["else"], ["refund", "sorry"]], dense)
    np.testing.assert_allclose(rows, [[0, 2.5], [0, 2.5], [0, 0.5], [1, 2.5]])


def test_dense_features_weigh_beside_the_words():
    row = HEAD.logits([["refund"]], np.array([[1, 3]], dtype=np.float32))
    np.testing.assert_allclose(row, [[0, 0.5]])


@given(any_head(), st.integers(0, 3), st.floats(-(2.0**80), 2.0**80, width=32))
def test_probabilities_are_probabilities(head, n, value):
    dense = np.full((n, len(head.dense_weights)), value, dtype=np.float32)
    found = head.probabilities([list(head.vocabulary)] * n, dense)
    assert found.shape == (n, len(head.classes))
    assert np.all((found >= 0) & (found <= 1))
    np.testing.assert_allclose(found.sum(axis=1), np.ones(n), rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("mark", len(SEGMENT_HAND) + 2 * WIDTH),
        ("kind", len(SEGMENT_HAND) + 2 * WIDTH),
        ("strength", len(SEGMENT_HAND) + 2 * WIDTH),
        ("join", 7),
        ("wall", len(TURN_HAND) + 3 * WIDTH),
        ("tactic", len(TURN_HAND) + 3 * WIDTH),
        ("rank", len(RANK_FEATURES)),
        ("verdict", len(JUDGE_FEATURES) + len(VECTOR_SCALES) * WIDTH),
    ],
)
def test_the_packaged_heads_are_trained_on_the_features_there_are(name, width):
    head = load_heads()[name]
    assert head.dense_weights.shape == (width, len(head.classes))
    assert head.gram_weights.shape == (len(head.vocabulary), len(head.classes))
    assert head.bias.shape == (len(head.classes),)


def test_the_packaged_heads_say_how_they_came_about():
    about = load_heads().about
    assert about["calls"] > 0
    assert 0 < about["thresholds"]["mark"] < 1
    assert about["out_of_fold"]


def test_the_packaged_file_is_read_once():
    assert load_heads() is load_heads()
    assert isinstance(HEADS_PATH, Path)
