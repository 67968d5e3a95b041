"""The packaged embedder, and the one behind an OpenAI-compatible address, against a real server."""

from __future__ import annotations

import http.server
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzer.config import Settings
from analyzer.embedders import (
    Embedder,
    EndpointEmbedder,
    PackagedEmbedder,
    build_embedder,
    packaged_embedder,
)
from analyzer.errors import ConfigError, EngineUnavailable, StoreError

MODEL_FILES = Path(__file__).parents[1] / "analyzer" / "data" / "minilm"


class EmbeddingServer:
    """Speaks ``POST /v1/embeddings`` and refuses what the real one would refuse.

    ``faults`` are answers to give first, each a function of the good answer's body that returns
    status and body; then it answers well.
    """

    def __init__(self) -> None:
        self.key = "sk-right"
        self.model = "text-embed"
        self.requests: list[dict[str, Any]] = []
        self.faults: list[Callable[[dict[str, Any]], tuple[int, Any]]] = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                status, body = server.answer(
                    self.path, dict(self.headers), json.loads(self.rfile.read(length))
                )
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                kind = "text/html" if isinstance(body, bytes) else "application/json"
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                pass

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def answer(self, path: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        self.requests.append(body)
        headers = {name.lower(): value for name, value in headers.items()}
        if path != "/v1/embeddings":
            return 404, {"error": {"message": f"no such path {path}"}}
        if headers.get("authorization") != f"Bearer {self.key}":
            return 401, {"error": {"message": "Incorrect API key provided"}}
        if set(body) != {"model", "input", "encoding_format"} or body["encoding_format"] != "float":
            return 400, {"error": {"message": f"unexpected fields {sorted(body)}"}}
        texts = body["input"]
        if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
            return 400, {"error": {"message": "input has to be a list of texts"}}
        if body["model"] != self.model:
            return 404, {"error": {"message": f"The model {body['model']} does not exist"}}
        good = {
            "object": "list",
            "model": self.model,
            "data": [
                {"object": "embedding", "index": i, "embedding": vector_of(text)}
                for i, text in enumerate(texts)
            ],
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }
        return self.faults.pop(0)(good) if self.faults else (200, good)


def vector_of(text: str) -> list[float]:
    return [float(len(text)), 3.0, float(text.count("a")), 0.5]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    running = EmbeddingServer()
    yield running
    running.close()


@pytest.fixture
def embedder(server: EmbeddingServer) -> EndpointEmbedder:
    return EndpointEmbedder("text-embed", api_key="sk-right", base_url=server.url, max_retries=0)


def with_data(change: Callable[[list[dict[str, Any]]], Any]) -> Callable[[Any], tuple[int, Any]]:
    return lambda good: (200, {**good, "data": change(good["data"])})


# -- the endpoint


def test_vectors_are_unit_rows_in_order(server: EmbeddingServer, embedder: Embedder) -> None:
    assert isinstance(embedder, Embedder)
    assert embedder.name == "endpoint-text-embed"
    vectors = embedder.embed(["a", "bbb", "banana"])
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, 4)
    assert embedder.dimension == 4
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0)
    for row, text in zip(vectors, ["a", "bbb", "banana"], strict=True):
        expected = np.array(vector_of(text))
        assert row == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)
    assert server.requests == [
        {"model": "text-embed", "input": ["a", "bbb", "banana"], "encoding_format": "float"}
    ]


def test_many_texts_go_in_several_requests(
    server: EmbeddingServer, embedder: EndpointEmbedder
) -> None:
    texts = ["x" * (i % 50 + 1) for i in range(600)]
    vectors = embedder.embed(texts)
    assert [len(request["input"]) for request in server.requests] == [256, 256, 88]
    assert np.array_equal(vectors[0], vectors[50])
    assert vectors.shape == (600, 4)


def test_no_texts_make_no_request(server: EmbeddingServer, embedder: EndpointEmbedder) -> None:
    assert embedder.embed([]).shape == (0, 0)
    embedder.embed(["a"])
    assert embedder.embed([]).shape == (0, 4)
    assert len(server.requests) == 1


def test_answers_out_of_order_are_put_in_order(
    server: EmbeddingServer, embedder: EndpointEmbedder
) -> None:
    plain = embedder.embed(["a", "bb", "ccc"])
    server.faults.append(with_data(lambda data: data[::-1]))
    assert np.array_equal(embedder.embed(["a", "bb", "ccc"]), plain)


def test_a_server_that_numbers_nothing_is_taken_in_order(
    server: EmbeddingServer, embedder: EndpointEmbedder
) -> None:
    plain = embedder.embed(["a", "bb"])
    server.faults.append(with_data(lambda data: [{**item, "index": 0} for item in data]))
    assert np.array_equal(embedder.embed(["a", "bb"]), plain)


def test_a_wrong_key_is_a_setting_to_correct(server: EmbeddingServer) -> None:
    embedder = EndpointEmbedder("text-embed", api_key="sk-wrong", base_url=server.url)
    with pytest.raises(ConfigError, match=r"status 401; check .*OPENAI_API_KEY") as caught:
        embedder.embed(["a"])
    assert "sk-wrong" not in str(caught.value)


@pytest.mark.parametrize("path", ["/v1", ""])
def test_a_wrong_model_or_path_is_a_setting_to_correct(server: EmbeddingServer, path: str) -> None:
    url = server.url.removesuffix("/v1") + path
    model = "other" if path else "text-embed"
    embedder = EndpointEmbedder(model, api_key="sk-right", base_url=url)
    with pytest.raises(ConfigError, match=rf"refused model '{model}' with status 404; check "):
        embedder.embed(["a"])
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_may_be_tried_again(
    server: EmbeddingServer, embedder: EndpointEmbedder, status: int
) -> None:
    server.faults.append(lambda _: (status, {"error": {"message": "busy"}}))
    with pytest.raises(EngineUnavailable, match=r"did not answer .*WORDBOND_EMBEDDING_MODEL"):
        embedder.embed(["a"])
    assert embedder.embed(["a"]).shape == (1, 4)


def test_the_client_tries_again_by_itself(server: EmbeddingServer) -> None:
    server.faults.append(lambda _: (500, {"error": {"message": "once"}}))
    embedder = EndpointEmbedder(
        "text-embed", api_key="sk-right", base_url=server.url, max_retries=1
    )
    assert embedder.embed(["a"]).shape == (1, 4)
    assert len(server.requests) == 2


NONSENSE: dict[str, tuple[Any, str]] = {
    "too few": (with_data(lambda data: data[:1]), "1 vectors for 2 texts"),
    "too many": (with_data(lambda data: data * 2), "4 vectors for 2 texts"),
    "none": (with_data(lambda _: []), "0 vectors for 2 texts"),
    "null": (with_data(lambda _: None), "something else than embeddings"),
    "bare numbers": (with_data(lambda _: [1, 2]), "something else than embeddings"),
    "other JSON": (lambda _: (200, {"hello": "world"}), "something else than embeddings"),
    "a page": (lambda _: (200, b"<html>Welcome</html>"), "something else than embeddings"),
    "two lengths": (
        with_data(lambda data: [data[0], {**data[1], "embedding": [1.0, 2.0]}]),
        "not all numbers of one length",
    ),
    "base64": (
        with_data(lambda data: [{**item, "embedding": "AAAA"} for item in data]),
        "not all numbers of one length",
    ),
    "zeros": (
        with_data(lambda data: [{**item, "embedding": [0.0] * 4} for item in data]),
        "without a direction",
    ),
    "blanks": (
        with_data(lambda data: [{**item, "embedding": []} for item in data]),
        "without a direction",
    ),
    "not a number": (
        with_data(lambda data: [{**item, "embedding": [float("nan")] * 4} for item in data]),
        "without a direction",
    ),
    "another length": (
        with_data(lambda data: [{**item, "embedding": [1.0] * 5} for item in data]),
        "vectors of 5 numbers after 4",
    ),
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_is_not_taken_for_vectors(
    server: EmbeddingServer, embedder: EndpointEmbedder, kind: str
) -> None:
    fault, says = NONSENSE[kind]
    embedder.embed(["first"])
    server.faults.append(fault)
    with pytest.raises(EngineUnavailable) as caught:
        embedder.embed(["a", "b"])
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert embedder.embed(["a", "b"]).shape == (2, 4)


def test_a_server_that_is_not_there(server: EmbeddingServer) -> None:
    gone = EmbeddingServer()
    gone.close()
    embedder = EndpointEmbedder("text-embed", api_key=None, base_url=gone.url, max_retries=0)
    with pytest.raises(EngineUnavailable, match="check OPENAI_BASE_URL"):
        embedder.embed(["a"])
    assert server.requests == []


def test_a_server_without_keys_is_asked_without_one(server: EmbeddingServer) -> None:
    server.key = "none"
    embedder = EndpointEmbedder("text-embed", api_key=None, base_url=server.url)
    assert embedder.embed(["a"]).shape == (1, 4)


# -- the settings


def test_the_settings_choose_the_embedder(server: EmbeddingServer, tmp_path: Path) -> None:
    assert build_embedder(Settings(home=tmp_path)) is packaged_embedder()
    with_key = Settings(home=tmp_path, openai_api_key="sk-right", openai_base_url=server.url)
    assert build_embedder(with_key) is packaged_embedder()
    chosen = build_embedder(with_key.model_copy(update={"embedding_model": "text-embed"}))
    assert chosen.name == "endpoint-text-embed"
    assert chosen.embed(["a"]).shape == (1, 4)


# -- the packaged model


def test_packaged_vectors_are_unit_rows_in_order() -> None:
    embedder = packaged_embedder()
    assert isinstance(embedder, Embedder)
    texts = ["A refund takes five days.", "no", "word " * 400, "You get your money back in a week."]
    vectors = embedder.embed(texts)
    assert vectors.shape == (4, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-4)
    similar = vectors @ vectors.T
    assert similar[0, 3] > similar[0, 1]
    assert np.array_equal(embedder.embed(texts), vectors)


def test_packaged_embeds_nothing_and_more_than_a_batch() -> None:
    embedder = packaged_embedder()
    assert embedder.embed([]).shape == (0, 384)
    texts = [f"clause number {i}" for i in range(40)]
    vectors = embedder.embed(texts)
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    assert (vectors * alone).sum(axis=1).min() > 0.98


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_file_of_the_packaged_model_that_is_gone_or_changed(tmp_path: Path, name: str) -> None:
    for path in MODEL_FILES.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / name).unlink()
    with pytest.raises(StoreError, match=rf"lacks .*{name}; install Wordbond again"):
        PackagedEmbedder(directory=tmp_path)
    shutil.copyfile(MODEL_FILES / "tokenizer.json", tmp_path / name)
    with (tmp_path / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(StoreError, match=r"is not the file that was released .*install Wordbond"):
        PackagedEmbedder(directory=tmp_path)
