"""`/search` of `yt8m serve`: what an index finds, and what is refused."""

import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from tests.export.serve.conftest import running
from yt8m_models.data.video_ids import UNKNOWN, VideoIds
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.retrieval.index import Index

pytest.importorskip("onnxruntime", reason="needs the extra `serve`")
pytest.importorskip("uvicorn", reason="needs the extra `serve`")

from yt8m_models.export.serve.config import ServeConfig
from yt8m_models.export.serve.server import Server

BINARY = "application/octet-stream"
SIZE = 4


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def vectors():
    return np.random.default_rng(0).normal(size=(60, SIZE)).astype(np.float32)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """An index in two pieces, the ids of which are ä0, ä1, …"""
    directory = tmp_path_factory.mktemp("index")
    embeddings = Embeddings(VideoIds([f"ä{row}" for row in range(60)]), [vectors()], "m", SIZE)
    Index.write(directory, embeddings, num_shards=2)
    return directory


@pytest.fixture(scope="module")
def client(index):
    """A client of a server of the index that takes three queries at a time."""
    with running(Server(ServeConfig(index=str(index), port=0, max_videos=3))) as client:
        yield client


def expected(index, queries, k, own):
    """What the index itself finds, as it is told."""
    opened = Index.load(index)
    scores, rows = opened.search(queries, k, own)
    return [
        {
            "ids": [opened.ids[row].decode() for row in of_query if row != UNKNOWN],
            "scores": pytest.approx(of_scores[of_query != UNKNOWN].tolist()),
        }
        for of_scores, of_query in zip(scores, rows, strict=True)
    ]


def told(answer):
    status, _, body = answer
    assert status == 200, body
    return body["neighbours"]


def figures(client):
    """What the server has counted, by name."""
    lines = client("GET", "/metrics")[2].splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_ids_and_vectors(client, index):
    """A video of the index is not its own neighbour; a vector may have any length."""
    before = figures(client)
    found = told(client("POST", "/search?top_k=3", {"ids": ["ä5", "ä40"]}))
    wanted = expected(index, vectors()[[5, 40]], 3, [np.array([5]), np.array([40])])
    assert found == [{"id": f"ä{row}", **each} for row, each in zip((5, 40), wanted, strict=True)]
    queries = 7 * vectors()[[5, 40, 2]] + 1
    wanted = [{"id": "", **each} for each in expected(index, queries, 10, None)]
    assert told(client("POST", "/search", {"vectors": queries.tolist()})) == wanted
    assert told(client("POST", "/search", npy(queries), BINARY)) == wanted
    assert told(client("POST", "/search", npy(queries[0]), BINARY)) == wanted[:1]
    assert len(told(client("POST", "/search?top_k=99", {"ids": ["ä5"]}))[0]["ids"]) == 59
    after = figures(client)
    for name, count in (('requests_total{status="200"}', 5), ("batch_videos_sum", 10)):
        name = f"yt8m_search_{name}"
        assert after[name] - before.get(name, 0) == count
    assert not any(name.startswith("yt8m_requests") for name in after)
    assert client("POST", "/predict", {})[0] == 404
    assert client("GET", "/ready")[0] == 200


@pytest.mark.parametrize(
    ("body", "content_type", "status", "message"),
    [
        (b"{}", "text/plain", 415, "Content-Type must be"),
        (b"{", "application/json", 400, "not JSON"),
        (b"[" * 100_000, "application/json", 400, "not JSON"),
        (b"{}", "application/json", 400, "either ids or vectors"),
        ({"ids": ["ä1"], "vectors": [[1] * 4]}, "application/json", 400, "either ids or vectors"),
        ({"ids": ["ä1"], "x": 1}, "application/json", 400, "x, which is not known"),
        ({"ids": []}, "application/json", 400, "at least one string"),
        ({"ids": [3]}, "application/json", 400, "at least one string"),
        ({"ids": ["ä1", "nobody"]}, "application/json", 400, "the index has no video 'nobody'"),
        ({"ids": ["\ud800"]}, "application/json", 400, "the index has no video"),
        ({"ids": ["x" * 600]}, "application/json", 400, "at most 512 bytes"),
        ({"ids": ["ä1"] * 4}, "application/json", 413, "3 videos at most"),
        ({"vectors": [[1] * 4] * 4}, "application/json", 413, "3 videos at most"),
        ({"vectors": []}, "application/json", 400, "one or more of 4 numbers"),
        ({"vectors": [1, 2, 3, 4]}, "application/json", 400, r"4 numbers; their shape is \(4,\)"),
        ({"vectors": [[1, 2, 3]]}, "application/json", 400, r"their shape is \(1, 3\)"),
        ({"vectors": [["1"] * 4]}, "application/json", 400, "vectors must be numbers$"),
        ({"vectors": [[1e300] * 4]}, "application/json", 400, "finite"),
        (b'{"vectors": [[NaN, 1, 2, 3]]}', "application/json", 400, "NaN"),
        (npy(np.full((1, 4), np.nan)), BINARY, 400, "finite"),
        (npy(np.zeros((1, 5))), BINARY, 400, r"their shape is \(1, 5\)"),
        (b"junk", BINARY, 400, "the array cannot be read"),
    ],
)
def test_hostile_bodies_are_answered_with_the_reason(client, body, content_type, status, message):
    found, _, answer = client("POST", "/search", body, content_type)
    assert (found, list(answer)) == (status, ["error"])
    assert re.search(message, answer["error"])
    assert len(told(client("POST", "/search", {"vectors": [[0] * 4]}))[0]["ids"]) == 10


def test_other_methods_and_parameters(client):
    assert client("GET", "/search")[0] == 405
    for text in ("0", "-1", "x", "1001", "999999999"):
        assert client("POST", f"/search?top_k={text}", {"ids": ["ä1"]})[0] == 400


def test_beside_a_model(serving, index):
    """Both paths answer, and each has its own figures."""
    with serving(index=str(index)) as client:
        assert len(told(client("POST", "/search?top_k=2", {"ids": ["ä1"]}))[0]["ids"]) == 2
        features = {"rgb": [[0.0] * 6], "audio": [[0.0] * 2]}
        assert client.predict({"videos": [{"features": features}]})[0] == 200
        counted = figures(client)
    assert counted['yt8m_requests_total{status="200"}'] == 1
    assert counted['yt8m_search_requests_total{status="200"}'] == 1


def test_neither_a_model_nor_an_index():
    with pytest.raises(ValueError, match="--model, --index or --recommender must be given"):
        ServeConfig()


def test_no_tensorflow_is_imported(index):
    program = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('tensorflow', 'keras', 'pandas', 'onnx')))\n"
        "from yt8m_models.export.serve.config import ServeConfig\n"
        "from yt8m_models.export.serve.server import Server\n"
        f"server = Server(ServeConfig(index={str(index)!r}, port=0))\n"
        "searches = server.app.endpoints['/search']\n"
        'asked = searches.read("application/json", b\'{"vectors": [[1, 2, 3, 4]]}\', 2)\n'
        "import json\n"
        "print(json.dumps(searches.tell(asked, searches.find(asked), 2)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["neighbours"][0]["ids"]) == 2
