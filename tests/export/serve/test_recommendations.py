"""`/recommend` of `yt8m serve`: what a recommender says, and what is refused."""

import re
import subprocess
import sys

import numpy as np
import pytest

from tests.export.serve.conftest import running
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.recommendation.recommend.config import RecommendConfig
from yt8m_models.recommendation.recommend.recommending import recommend
from yt8m_models.recommendation.recommender import Recommender
from yt8m_models.retrieval.index import Index

pytest.importorskip("onnxruntime", reason="needs the extra `serve`")
pytest.importorskip("uvicorn", reason="needs the extra `serve`")
pytest.importorskip("duckdb", reason="needs the extra `recommend`")

from yt8m_models.export.serve.config import ServeConfig
from yt8m_models.export.serve.server import Server

LOG = "user_id,video_id\nä,v1\nä,v2\nb,v3\nnew,unknown\n"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The directory that `yt8m recommend --recommender_dir` wrote."""
    root = tmp_path_factory.mktemp("recommender")
    vectors = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    Index.build(Embeddings.of([f"v{row}" for row in range(40)], vectors)).save(root / "index")
    (root / "log.csv").write_text(LOG, encoding="utf-8")
    recommend(
        RecommendConfig(
            watch_log=str(root / "log.csv"),
            index_dir=str(root / "index"),
            output=str(root / "out.csv"),
            recommender_dir=str(root / "saved"),
            top_k=3,
        )
    )
    return root / "saved"


@pytest.fixture(scope="module")
def client(saved):
    """A client of a server that takes three users at a time."""
    with running(Server(ServeConfig(recommender=str(saved), port=0, max_videos=3))) as client:
        yield client


def test_it_says_what_the_program_wrote(client, saved):
    status, _, body = client("POST", "/recommend?top_k=3", {"users": ["ä", "b"]})
    assert status == 200
    lines = (saved.parent / "out.csv").read_text("utf-8").splitlines()[1:]
    written = [line.split(",") for line in lines]
    for told, user in zip(body["recommendations"], ("ä", "b"), strict=True):
        own = [line for line in written if line[0] == user]
        assert (told["user"], told["ids"]) == (user, [line[2] for line in own])
        assert told["scores"] == pytest.approx([float(line[3]) for line in own], abs=1e-5)
    (told,) = client("POST", "/recommend", {"users": ["ä"]})[2]["recommendations"]
    assert len(told["ids"]) == 20
    assert not {"v1", "v2"} & set(told["ids"])
    assert "\nyt8m_recommend_batch_videos_sum 3\n" in client("GET", "/metrics")[2]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "message"),
    [
        (b"{", "application/json", 400, "not JSON"),
        ({"ids": ["v1"]}, "application/json", 400, "lacks users"),
        ({"users": [1]}, "application/json", 400, "users must be a list of at least one string"),
        ({"users": ["b", "zoe"]}, "application/json", 400, "user 'zoe' watched no known video"),
        ({"users": ["new"]}, "application/json", 400, "user 'new' watched no known video"),
        ({"users": ["\ud800"]}, "application/json", 400, "watched no known video"),
        ({"users": ["x" * 600]}, "application/json", 400, "at most 512 bytes"),
        ({"users": ["b"] * 4}, "application/json", 413, "3 videos at most"),
        (b"b", "application/octet-stream", 400, "must be application/json"),
    ],
)
def test_what_is_refused(client, body, content_type, status, message):
    found, _, answer = client("POST", "/recommend", body, content_type)
    assert (found, list(answer)) == (status, ["error"])
    assert re.search(message, answer["error"])
    assert client("POST", "/recommend", {"users": ["b"]})[0] == 200
    assert client("POST", "/recommend?top_k=1001", {"users": ["b"]})[0] == 400


def test_who_has_a_history(saved):
    recommender = Recommender.load(saved)
    found = [len(recommender.histories_of(user).users) for user in ("ä", "b", "new", "zoe")]
    assert found == [1, 1, 0, 0]


def test_no_tensorflow_is_imported(saved):
    program = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('tensorflow', 'keras', 'onnx')))\n"
        "from yt8m_models.export.serve.config import ServeConfig\n"
        "from yt8m_models.export.serve.server import Server\n"
        f"server = Server(ServeConfig(recommender={str(saved)!r}, port=0))\n"
        "path = server.app.endpoints['/recommend']\n"
        'asked = path.read("application/json", b\'{"users": ["b"]}\', 2)\n'
        "print(path.tell(asked, path.find(asked), 2)['recommendations'][0]['user'])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "b\n"), done.stderr
