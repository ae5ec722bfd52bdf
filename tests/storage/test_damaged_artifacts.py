"""Artifacts whose files are damaged: read right, or refused by an error that names the place."""

import json
import shutil

import numpy as np
import pytest

from tests.mutations import mutated, mutated_json, outcome
from yt8m_models.config import DataConfig
from yt8m_models.data.records import frame_record, write_records
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.embedding.model_record import ModelRecord
from yt8m_models.features.build_features.building import build_features
from yt8m_models.features.build_features.config import BuildFeaturesConfig
from yt8m_models.features.feature_table import FeatureTable
from yt8m_models.features.load_features import load_features
from yt8m_models.graph.co_watch_graph import CoWatchGraph
from yt8m_models.recommendation.mixed_effects.glmix import GLMix
from yt8m_models.retrieval.index import Index

IDS = [f"v{row}" for row in range(60)]


def _vectors():
    return np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)


def _write_graph(directory):
    rng = np.random.default_rng(1)
    pairs = np.unique(np.sort(rng.integers(0, 60, (200, 2)), axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    weights, is_eval = rng.integers(1, 9, len(pairs)), rng.random(60) < 0.3
    graph = CoWatchGraph.from_edges(VideoIds(IDS), pairs, weights, is_eval, pairs[:30, ::-1])
    graph.save(directory / "graph")


def _read_graph(directory):
    graph = CoWatchGraph.load(directory)
    arrays = [graph.ids.to_array(), graph.offsets, graph.neighbors, graph.weights, graph.is_eval]
    return [*arrays, graph.shown_offsets, graph.shown_neighbors]


def _write_features(directory):
    names, sizes = ["a", "b"], [6, 2]
    FeatureTable.write(directory / "features", IDS, [_vectors()], names, sizes, "float32")


def _write_frames(directory):
    rng = np.random.default_rng(2)
    frames = [{"rgb": rng.integers(0, 256, (3, 4)).astype(np.uint8)} for _ in IDS]
    records = [frame_record(name.encode(), [0], of) for name, of in zip(IDS, frames, strict=True)]
    write_records(directory / "frames.tfrecord", records)
    config = BuildFeaturesConfig(
        output_dir=str(directory / "frames"), data_pattern=str(directory / "frames.tfrecord")
    )
    build_features(config, DataConfig(("rgb",), (4,), frame_features=True, num_classes=5))


def _read_features(directory):
    table = load_features(directory)
    return [table.ids.to_array(), table.take(np.arange(len(table)))]


def _write_embeddings(directory):
    Embeddings.write(directory / "embeddings", IDS, _vectors(), "m", shard_size=25)


def _read_embeddings(directory):
    embeddings = Embeddings.load(directory)
    return [
        embeddings.ids.to_array(),
        embeddings.vectors(),
        embeddings.take(np.arange(len(embeddings))),
    ]


def _write_index(directory, **options):
    pytest.importorskip("faiss")
    _write_embeddings(directory)
    Index.build(Embeddings.load(directory / "embeddings"), **options).save(directory / "index")


def _write_codes(directory):
    _write_index(directory, bits=4)


def _write_lists(directory):
    _write_index(directory, approximate=True)


def _read_index(directory):
    index = Index.load(directory)
    return [index.ids.to_array(), *index.search(_vectors()[:5], 7, probes=99)]


def _write_glmix(directory):
    users, videos = VideoIds(["u", "w"]), VideoIds(IDS[:9])
    coefficients = np.random.default_rng(3).normal(size=(2, 9)).astype(np.float32)
    GLMix("m", np.arange(9.0), users, coefficients, videos).save(directory / "glmix")


def _read_glmix(directory):
    glmix = GLMix.load(directory)
    chances = glmix.predict(np.array([0, 1, -1]), _vectors()[:3])
    return [glmix.users.to_array(), glmix.trained_videos.to_array(), chances]


ARTIFACTS = {
    "graph": (_write_graph, _read_graph),
    "features": (_write_features, _read_features),
    "frames": (_write_frames, _read_features),
    "embeddings": (_write_embeddings, _read_embeddings),
    "index, 4 bits": (_write_codes, _read_index),
    "index, approximate": (_write_lists, _read_index),
    "glmix": (_write_glmix, _read_glmix),
}


def _damage(directory, rng):
    """Damages a file of an artifact; whether it is the record, of which no checksum is kept."""
    (record,) = directory.glob("*.json")
    files = sorted(set(directory.iterdir()) - {record})
    path, other = (files[place] for place in rng.choice(len(files), 2, replace=False))
    content = path.read_bytes()
    kind = rng.integers(6)
    if kind == 0:
        record.write_text(mutated_json(record.read_text(), rng))
    elif kind == 1:
        record.write_bytes(mutated(record.read_bytes(), rng))
    elif kind == 2:
        path.write_bytes(mutated(content, rng))
    elif kind == 3:  # the header alone
        end = int(rng.integers(1, 160))
        path.write_bytes(mutated(content[:end], rng) + content[end:])
    elif kind == 4:
        path.write_bytes(other.read_bytes())
        other.write_bytes(content)
    else:
        path.unlink()
    return kind < 2


def _same(found, expected):
    return all(np.array_equal(*pair) for pair in zip(found, expected, strict=True))


@pytest.mark.parametrize("artifact", ARTIFACTS)
@pytest.mark.parametrize("count", [12, pytest.param(400, marks=pytest.mark.slow)])
def test_damaged_artifacts_are_read_right_or_named(tmp_path, artifact, count, forget_contents):
    """Also those of older versions, whose record has no checksums, as far as it can be told."""
    write, read = ARTIFACTS[artifact]
    write(tmp_path)
    source = tmp_path / artifact.partition(",")[0]
    expected = read(source)
    rng = np.random.default_rng(count)
    num_refused = 0
    for number in range(count):
        directory = shutil.copytree(source, tmp_path / str(number))
        is_older = "approximate" not in artifact and rng.random() < 0.3
        if is_older:
            forget_contents(directory)
        is_of_record = _damage(directory, rng)
        found, message = outcome(lambda of=directory: read(of))
        if message:
            assert str(tmp_path) in message, number
            num_refused += 1
        else:
            assert is_older or is_of_record or _same(found, expected), number
        shutil.rmtree(directory)
    assert num_refused > count / 2


@pytest.mark.parametrize("count", [30, pytest.param(2000, marks=pytest.mark.slow)])
def test_damaged_records_of_models_are_read_or_named(tmp_path, count):
    training = {"loss": "hinge", "seed": 1, "sample_by_weight": False, "graded_negatives": 0.0}
    record = ModelRecord(EmbeddingConfig(), ("rgb", "audio"), (8, 4), training)
    record.write(str(tmp_path))
    path = tmp_path / "embedding_model.json"
    content = path.read_bytes()
    rng = np.random.default_rng(count)
    for number in range(count):
        if number % 2:
            path.write_text(mutated_json(content.decode(), rng))
        else:
            path.write_bytes(mutated(content, rng))
        found, message = outcome(lambda: ModelRecord.read(str(tmp_path)))
        assert str(path) in message if message else isinstance(found.config, EmbeddingConfig)
    path.write_text(json.dumps(json.loads(content)))
    assert ModelRecord.read(str(tmp_path)) == record
