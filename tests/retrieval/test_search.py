"""The programs build_index and search, from embeddings to CSV."""

import csv
import dataclasses
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.create import create_embedding_model
from yt8m_models.embedding.embed.config import EmbedConfig
from yt8m_models.embedding.embed.embedding import embed
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.embedding.model_record import ModelRecord
from yt8m_models.features.feature_table import FeatureTable
from yt8m_models.retrieval.build_index.building import build_index
from yt8m_models.retrieval.build_index.config import BuildIndexConfig
from yt8m_models.retrieval.index import Index
from yt8m_models.retrieval.search import searching
from yt8m_models.retrieval.search.config import SearchConfig
from yt8m_models.retrieval.search.searching import search
from yt8m_models.training.checkpoints import Checkpoints

IDS = ["aa", "bb", "cc", "dd", "ee"]
# at 0, 10, 20, 90 and 180 degrees
VECTORS = np.array([[np.cos(a), np.sin(a)] for a in np.radians([0, 10, 20, 90, 180])], np.float32)


@pytest.fixture
def index_dir(tmp_path):
    Embeddings.write(tmp_path / "embeddings", IDS, VECTORS, "late-2:aa")
    config = BuildIndexConfig(str(tmp_path / "embeddings"), str(tmp_path / "index"))
    build_index(config)
    return str(tmp_path / "index")


def _rows(path):
    with open(path, newline="") as file:
        return [tuple(row.values()) for row in csv.DictReader(file)]


def test_by_ids(index_dir, tmp_path, caplog):
    """cos 10° = 0.984808, cos 20° = 0.939693, cos 70° = 0.342020, cos 80° = 0.173648."""
    output = str(tmp_path / "out" / "found.csv")
    config = SearchConfig(index_dir, ("aa", "dd"), top_k=2, output=output)
    assert search(config) == 2
    assert _rows(output) == [
        ("aa", "1", "bb", "0.984808"),
        ("aa", "2", "cc", "0.939693"),
        ("dd", "1", "cc", "0.342020"),
        ("dd", "2", "bb", "0.173648"),
    ]
    assert not caplog.records
    search(SearchConfig(index_dir, ("dd",), top_k=9, exclude_query=False, output=output))
    assert "1 of 1 queries have fewer than --top_k=9 videos: the index has 5 in all" in caplog.text
    assert [row[2] for row in _rows(output)] == ["dd", "cc", "bb", "aa", "ee"]
    assert _rows(output)[0] == ("dd", "1", "dd", "1.000000")


def test_ids_of_a_file_to_standard_output(index_dir, tmp_path, capsys):
    (tmp_path / "ids.txt").write_text("dd\naa\n")
    search(SearchConfig(index_dir, (f"@{tmp_path}/ids.txt",), top_k=1))
    printed = capsys.readouterr().out.splitlines()
    assert printed == ["query,rank,video_id,score", "dd,1,cc,0.342020", "aa,1,bb,0.984808"]


def test_unknown_ids_are_listed(index_dir):
    message = r"2 of 3 are not in the index, whose ids are such as 'aa': xx, yy$"
    with pytest.raises(ValueError, match=message):
        search(SearchConfig(index_dir, ("xx", "aa", "yy")))
    many = tuple(f"x{number}" for number in range(12))
    with pytest.raises(ValueError, match=r"12 of 12 .*: x0, .*, x9 and 2 more$"):
        search(SearchConfig(index_dir, many))
    with pytest.raises(ValueError, match=r"missing\.txt cannot be read"):
        search(SearchConfig(index_dir, ("@missing.txt",)))


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_quantised(tmp_path, bits):
    """Of five vectors, 16 values a dimension lose nothing, and 4 values little."""
    Embeddings.write(tmp_path / "embeddings", IDS, VECTORS, "m")
    config = BuildIndexConfig(str(tmp_path / "embeddings"), str(tmp_path / "index"), bits)
    index = build_index(config)
    assert index.bits == bits
    output = str(tmp_path / "found.csv")
    search(SearchConfig(str(tmp_path / "index"), ("aa",), top_k=1, output=output))
    assert _rows(output)[0][2] == "bb"
    assert float(_rows(output)[0][3]) == pytest.approx(0.984808, abs=0.05 if bits == 2 else 1e-6)


class _Trained:
    """What `load_embedding_model` says of a model."""

    model, path = "late-2:aa", "train/ckpt-7"


@pytest.fixture
def model(monkeypatch):
    """A model that passes on the first feature."""

    def network(inputs, training):
        return inputs["video_matrix"][:, :2]

    network.config = EmbeddingConfig(embedding_size=2)
    network.feature_names, network.feature_sizes = ("rgb", "audio"), (2, 1)
    monkeypatch.setattr(
        searching, "load_embedding_model", lambda train_dir, checkpoint: (network, _Trained)
    )


def _features():
    return np.array([[0, 5, 1], [2, 0, 0]], np.float32)


@pytest.mark.usefixtures("model")
def test_by_features(index_dir, tmp_path):
    """Queries at 90° and 0°; in the files with ids, the first is aa and leaves itself out."""
    np.save(tmp_path / "queries.npy", _features())
    arrays = {"ids": np.array(["zz", "aa"]), "rgb": _features()[:, :2], "audio": _features()[:, 2:]}
    np.savez(tmp_path / "queries.npz", **arrays)
    FeatureTable.write(
        tmp_path / "features", ["zz", "aa"], [_features()], ("rgb", "audio"), (2, 1), "float32"
    )
    output = str(tmp_path / "found.csv")
    for name, expected in (
        ("queries.npy", [("0", "dd"), ("1", "aa")]),
        ("queries.npz", [("zz", "dd"), ("aa", "bb")]),
        ("features", [("zz", "dd"), ("aa", "bb")]),
    ):
        path = str(tmp_path / name)
        config = SearchConfig(
            index_dir, query_features=path, train_dir="train", top_k=1, output=output
        )
        search(config)
        assert [(row[0], row[2]) for row in _rows(output)] == expected


def test_features_of_indexed_videos_find_themselves(tmp_path):
    """From a trained model over embed and build_index to search with the same features."""
    config = EmbeddingConfig(hidden_size=(5,), embedding_size=3, hidden_activation="tanh")
    names, sizes = ("mean_rgb", "mean_audio"), (6, 4)
    keras.utils.set_random_seed(0)
    for train_dir in (tmp_path / "train", tmp_path / "other"):
        ModelRecord(config, names, sizes).write(str(train_dir))
        network = create_embedding_model(config, names, sizes)
        step = tf.Variable(1, dtype=tf.int64)
        Checkpoints(str(train_dir), 1, model=network, step=step).save(1)
    features = np.random.default_rng(0).normal(size=(len(IDS), 10)).astype(np.float32)
    FeatureTable.write(tmp_path / "features", IDS, [features], names, sizes, "float32")
    paths = {name: str(tmp_path / name) for name in ("train", "features", "embeddings", "index")}
    embed(
        EmbedConfig(
            train_dir=paths["train"], features_dir=paths["features"], output_dir=paths["embeddings"]
        )
    )
    build_index(BuildIndexConfig(paths["embeddings"], paths["index"]))
    np.save(tmp_path / "queries.npy", features)
    for query, own in ((paths["features"], IDS), (str(tmp_path / "queries.npy"), "01234")):
        output = str(tmp_path / "found.csv")
        flags = SearchConfig(
            paths["index"],
            query_features=query,
            train_dir=paths["train"],
            top_k=1,
            exclude_query=False,
            output=output,
        )
        search(flags)
        assert _rows(output) == [
            (name, "1", video_id, "1.000000") for name, video_id in zip(own, IDS, strict=True)
        ]
    with pytest.raises(ValueError, match=r"the index in .* is of the model late-5-3:"):
        search(dataclasses.replace(flags, train_dir=str(tmp_path / "other")))


@pytest.mark.usefixtures("model")
def test_bad_features_are_refused(index_dir, tmp_path):
    path = tmp_path / "queries.npy"
    config = SearchConfig(index_dir, query_features=str(path), train_dir="train")
    np.save(path, np.zeros((2, 4), np.float32))
    with pytest.raises(ValueError, match=r"floats of the shape \(2, 3\).*\(2, 4\)"):
        search(config)
    np.save(path, np.array([[0, 1, 2], [0, np.nan, 2]], np.float32))
    with pytest.raises(ValueError, match=r"queries\.npy, row 1: the features of '1' are not fin"):
        search(config)
    np.save(path, np.zeros((0, 3), np.float32))
    with pytest.raises(ValueError, match="has no videos"):
        search(config)
    path.write_bytes(b"no array")
    with pytest.raises(ValueError, match=r"queries\.npy cannot be read"):
        search(config)


@pytest.mark.usefixtures("model")
def test_an_index_of_another_model_is_refused(tmp_path, monkeypatch):
    Embeddings.write(tmp_path / "embeddings", IDS, VECTORS, "late-2:bb")
    build_index(BuildIndexConfig(str(tmp_path / "embeddings"), str(tmp_path / "index")))
    config = SearchConfig(str(tmp_path / "index"), query_features="q.npy", train_dir="train")
    with pytest.raises(ValueError, match=r"of the model late-2:bb, and train/ckpt-7 is of late-2"):
        search(config)


def test_a_missing_index_and_an_existing_one(index_dir, tmp_path):
    with pytest.raises(ValueError, match=r"holds no index\.json"):
        search(SearchConfig(str(tmp_path / "nothing"), ("aa",)))
    with pytest.raises(ValueError, match="already holds an index"):
        build_index(BuildIndexConfig(str(tmp_path / "embeddings"), index_dir))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"index_dir": ""}, "--index_dir must be given"),
        ({"query_video_ids": ()}, "one of --query_video_ids and --query_features.*neither"),
        ({"query_features": "q.npy", "train_dir": "t"}, "received both"),
        ({"query_video_ids": (), "query_features": "q.npy"}, "go together"),
        ({"train_dir": "t"}, "go together"),
        ({"top_k": 0}, "--top_k must be at least 1; received 0"),
        ({"probes": 0}, "--probes must be at least 1; received 0"),
    ],
)
def test_wrong_flags_of_search(values, message):
    with pytest.raises(ValueError, match=message):
        SearchConfig(**{"index_dir": "index", "query_video_ids": ("aa",), **values})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"embeddings_dir": " "}, "--embeddings_dir must be given"),
        ({"output_dir": ""}, "--output_dir must be given"),
        ({"bits": 3}, "--bits=3: must be one of 2, 4, 8, 32"),
        ({"num_lists": 4}, "--num_lists=4 is for --approximate"),
        ({"num_lists": 0, "approximate": True}, "--num_lists must be at least 1; received 0"),
        ({"seed": -1}, "--seed must be at least 0; received -1"),
    ],
)
def test_wrong_flags_of_build_index(values, message):
    with pytest.raises(ValueError, match=message):
        BuildIndexConfig(**{"embeddings_dir": "a", "output_dir": "b", **values})


def test_a_failed_search_leaves_no_file(index_dir, tmp_path, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("yt8m_models.retrieval.search.searching._text", stopped)
    output = tmp_path / "found.csv"
    with pytest.raises(KeyboardInterrupt):
        search(SearchConfig(index_dir, ("aa",), output=str(output)))
    assert not output.exists()


@pytest.mark.slow
def test_the_programs(tmp_path):
    Embeddings.write(tmp_path / "embeddings", IDS, VECTORS, "m")

    def run(program, *flags):
        command = [sys.executable, "-m", f"yt8m_models.retrieval.{program}", *flags]
        return subprocess.run(command, capture_output=True, text=True)

    built = run(
        "build_index",
        f"--embeddings_dir={tmp_path}/embeddings",
        f"--output_dir={tmp_path}/index",
        "--bits=4",
        "--approximate",
    )
    assert built.returncode == 0, built.stderr
    assert f"5 videos of 1 bytes in {tmp_path}/index, of the model m" in built.stdout
    assert Index.load(tmp_path / "index").is_approximate
    found = run("search", f"--index_dir={tmp_path}/index", "--query_video_ids=aa,ee", "--top_k=1")
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("query,rank,video_id,score\naa,1,bb,0.984808\nee,1,dd,")
    wrong = run("search", f"--index_dir={tmp_path}/index", "--query_video_ids=nobody")
    assert wrong.returncode == 1
    assert "1 of 1 are not in the index: nobody" in wrong.stderr


def test_the_page_has_what_the_file_has(index_dir, tmp_path):
    pytest.importorskip("jinja2", reason="needs the extra `report`")
    page = tmp_path / "gallery.html"
    (tmp_path / "titles.csv").write_text("video_id,title\naa,The <first>\nbb,Second\n")
    titles = str(tmp_path / "titles.csv")
    output = str(tmp_path / "found.csv")
    config = SearchConfig(
        index_dir, ("aa", "dd"), top_k=2, output=output, html=str(page), titles=titles
    )
    assert search(config) == 2
    text = page.read_text()
    assert text.count('class="related"') == 2
    assert "The &lt;first&gt;" in text
    assert "The <first>" not in text
    shown = re.findall(r"<b>([\d.]+)</b>", text)
    assert shown == [f"{float(row[3]):.3f}" for row in _rows(output)]
    with pytest.raises(ValueError, match=r"--titles goes with --html; received a\.csv without it"):
        SearchConfig(index_dir, ("aa",), titles="a.csv")
