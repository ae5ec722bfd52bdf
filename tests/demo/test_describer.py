"""Tests of `yt8m_models.demo.describer` and `.neighbours`, by a model with known weights."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.data.quantization import dequantize, quantize
from yt8m_models.demo.config import DemoConfig
from yt8m_models.demo.describer import Describer
from yt8m_models.demo.neighbours import Neighbours
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.create import create_embedding_model
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.embedding.loading import load_embedding_model
from yt8m_models.embedding.model_record import ModelRecord
from yt8m_models.extraction.config import ExtractionConfig
from yt8m_models.retrieval.index import Index
from yt8m_models.training.checkpoints import Checkpoints

RED, BLUE = (220, 60, 30), (20, 40, 220)
KERNEL = np.array([[3, -1, -1], [-1, 3, -1], [-1, -1, 3], [0, 0, 0]], np.float32)


def _unit(colour):
    """The feature of a colour as the model has it: quantised, and of length 1."""
    values = dequantize(quantize(np.array([*(np.array(colour) / 127.5 - 1), 0], np.float32)))
    return values / np.linalg.norm(values)


def _scores(colour_counts):
    mean = np.average([_unit(c) for c in colour_counts], axis=0, weights=[*colour_counts.values()])
    return 1 / (1 + np.exp(-mean @ KERNEL))


def test_labels_over_time(describer, clips):
    """Ten red frames and six blue ones, two a second; YUV changes a colour by a step or two."""
    found = describer(str(clips / "both.mp4"))
    assert (found.num_frames, found.has_sound) == (16, None)
    assert list(found.segments) == [(0.0, 5.0), (5.0, 8.0)]
    parts = [(found.labels, {RED: 10, BLUE: 6})]
    parts += zip(found.segments.values(), ({RED: 1}, {BLUE: 1}), strict=True)
    for labels, counts in parts:
        expected = _scores(counts)
        best = np.argsort(-expected)[:2]
        assert [label.number for label in labels] == list(best)
        assert [label.score for label in labels] == pytest.approx(expected[best], abs=0.02)
    assert [labels[0].name for labels in found.segments.values()] == ["Red", "<i>Blue</i>"]
    assert found.neighbours == []


def test_the_course_of_the_labels_of_the_clip(describer, clips, demo_config):
    """Blue is the second label of the clip, and the third of its red segment: it is drawn there."""
    moments = describer(str(clips / "both.mp4")).moments
    assert [(each.time, each.label.name) for each in moments] == [
        (time, name) for name in ("Red", "<i>Blue</i>") for time in (2.5, 6.5)
    ]
    expected = [_scores({colour: 1})[number] for number in (0, 2) for colour in (RED, BLUE)]
    assert [each.score for each in moments] == pytest.approx(expected, abs=0.02)
    assert describer(str(clips / "red.mp4")).moments == []


def test_pictures_are_of_each_five_seconds(describer, clips):
    pictures = describer(str(clips / "both.mp4")).pictures
    assert list(pictures) == [0, 5]
    for picture, colour in zip(pictures.values(), (RED, BLUE), strict=True):
        image = tf.io.decode_jpeg(picture).numpy()
        assert image.shape == (64, 64, 3)
        assert image.mean(axis=(0, 1)) == pytest.approx(colour, abs=6)


def test_broken_clips_are_named(describer, clips):
    with pytest.raises(ValueError, match=r"broken\.mp4: "):
        describer(str(clips / "broken.mp4"))
    with pytest.raises(ValueError, match=r"missing\.mp4: there is no such file"):
        describer(str(clips / "missing.mp4"))
    assert describer(str(clips / "red.mp4")).num_frames == 2  # and goes on


def _index(directory, vectors, model):
    ids = [f"v{number}" for number in range(len(vectors))]
    Embeddings.write(directory / "embeddings", ids, np.array(vectors, np.float32), model)
    Index.build(Embeddings.load(directory / "embeddings")).save(directory / "index")
    return str(directory / "index")


def test_neighbours_of_raw_features(demo_config, clips, tmp_path):
    """The index has a green, a red and a blue video; cosines are those of the mean features."""
    colours = [_unit((30, 200, 60)), _unit(RED), _unit(BLUE)]
    titles = tmp_path / "titles.csv"
    titles.write_text("video_id,title\nv1,A red one\n")
    config = dataclasses.replace(
        demo_config,
        index_dir=_index(tmp_path, colours, "raw:rgb=4"),
        titles=str(titles),
        thumbnails=str(tmp_path),
        num_neighbours=2,
    )
    picture = np.full((16, 16, 3), 200, np.uint8)
    (tmp_path / "v1.jpg").write_bytes(tf.io.encode_jpeg(picture).numpy())
    (tmp_path / "v0.jpg").write_text("not a picture")
    found = Describer(config, ExtractionConfig())(str(clips / "red.mp4")).neighbours
    assert [(each.video_id, each.title) for each in found] == [("v1", "A red one"), ("v0", "")]
    expected = [1, colours[0] @ colours[1]]
    assert [each.score for each in found] == pytest.approx(expected, abs=0.02)
    np.testing.assert_allclose(found[0].thumbnail, picture, atol=2)
    assert found[1].thumbnail is None


@pytest.mark.parametrize("fusion", ["early", "frames"])
def test_neighbours_of_an_embedding(tmp_path, fusion):
    """Features of two frames: a model of videos takes their mean, one of frames both."""
    keras.utils.set_random_seed(3)
    config = EmbeddingConfig(fusion=fusion, hidden_size=(8,), embedding_size=4, num_clusters=2)
    names, sizes = ("rgb",), (4,)
    ModelRecord(config, names, sizes).write(str(tmp_path / "training"))
    network = create_embedding_model(config, names, sizes)
    step = tf.Variable(7, dtype=tf.int64)
    Checkpoints(str(tmp_path / "training"), keep=1, model=network, step=step).save(7)
    frames = np.array([[200, 40, 60, 128], [90, 150, 30, 128]], np.uint8)
    if fusion == "frames":
        inputs = {"video_matrix": frames[None], "num_frames": np.array([2], np.int32)}
    else:
        inputs = {"video_matrix": dequantize(frames).mean(axis=0)[None]}
    embedded = network(inputs, training=False).numpy()[0]
    model = load_embedding_model(str(tmp_path / "training"))[1].model
    index_dir = _index(tmp_path, [-embedded, embedded, np.eye(4)[0]], model)
    neighbours = Neighbours(
        index_dir, str(tmp_path / "training"), "", "", {"rgb": 4, "audio": 2}, 9
    )
    found = neighbours({"rgb": frames, "audio": np.zeros((2, 2), np.uint8)})
    assert [found[0].video_id, found[-1].video_id] == ["v1", "v0"]
    assert [found[0].score, found[-1].score] == pytest.approx([1, -1], abs=1e-5)
    assert found[1].score == pytest.approx(embedded[0], abs=1e-5)
    with pytest.raises(ValueError, match="takes the feature rgb of 4 values; clips have rgb of 5"):
        Neighbours(index_dir, str(tmp_path / "training"), "", "", {"rgb": 5}, 9)
    with pytest.raises(ValueError, match=rf"is of the model {fusion}-.*--embedding_dir"):
        Neighbours(index_dir, "", "", "", {"rgb": 4}, 9)


@pytest.mark.parametrize("name", ["embedding_dir", "titles", "thumbnails"])
def test_flags_of_the_index_need_it(name):
    with pytest.raises(ValueError, match=f"--{name} goes with --index_dir; received here"):
        DemoConfig("model", **{name: "here"})
