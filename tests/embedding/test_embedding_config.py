"""The flags of embedding models."""

import dataclasses
import json
import subprocess
import sys

import pytest

import losses
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.model_record import ModelRecord
from yt8m_models.embedding.training.config import LOSSES
from yt8m_models.program.command import Program, UsageError

PROGRAM = Program("embedding", "An embedding model.", EmbeddingConfig)


def test_defaults_are_the_network_of_the_paper():
    config = EmbeddingConfig()
    assert (config.fusion, config.hidden_size, config.embedding_size) == ("late", (4000,), 256)


def test_flags():
    arguments = PROGRAM.parse(["--fusion=early", "--hidden_size=4000,1000", "--embedding_size=64"])
    assert arguments[EmbeddingConfig] == EmbeddingConfig("early", (4000, 1000), 64)
    assert PROGRAM.parse(["--hidden_size="])[EmbeddingConfig].hidden_size == ()


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--fusion=middle", "--fusion=middle"),
        ("--pooling=average", "--pooling=average"),
        ("--hidden_size=0", "--hidden_size must be at least 1; received 0"),
        ("--hidden_size=wide", "--hidden_size takes whole numbers"),
        ("--embedding_size=0", "--embedding_size must be at least 1; received 0"),
        ("--num_clusters=0", "--num_clusters must be at least 1; received 0"),
        ("--num_clusters_audio=0", "--num_clusters_audio must be at least 1; received 0"),
        ("--gamma=-1", "--gamma must be at least 0; received -1"),
        ("--gamma=nan", "--gamma must be a finite number; received nan"),
        ("--sample_frames=-1", "--sample_frames must be at least 0; received -1"),
    ],
)
def test_refuses_flags(flag, message):
    with pytest.raises(UsageError, match=message):
        PROGRAM.parse([flag])


@pytest.mark.parametrize("name", ["fusion", "hidden_activation", "pooling", "assignment"])
def test_refuses_unknown_names(name):
    with pytest.raises(ValueError, match=f"--{name}=other: must be one of"):
        EmbeddingConfig(**{name: "other"})


def test_record_round_trip():
    config = EmbeddingConfig("frames", (8, 5), 16, num_clusters_audio=3, gamma=0.5)
    record = json.loads(json.dumps(config.record()))
    assert EmbeddingConfig.from_record(record) == config
    assert "hidden" in record  # the name at first: identities of models are hashes of records
    assert "hidden_size" not in record
    assert EmbeddingConfig.from_record({"hidden": []}) == dataclasses.replace(
        config.__class__(), hidden_size=()
    )
    with pytest.raises(ValueError, match="unknown keys of an embedding model: depth, width"):
        EmbeddingConfig.from_record({"width": 1, "depth": 2})


def test_models_of_before_the_norms_had_flags_keep_theirs():
    """Their records have no norms, and identities are hashes of records: these stay as they are."""
    first = {"fusion": "frames", "pooling": "netvlad"}
    assert EmbeddingConfig.from_record(first).final_norm
    assert not EmbeddingConfig.from_record({**first, "pooling": "dsgmm"}).final_norm
    for record in (first, {**first, "pooling": "dsgmm"}, {"fusion": "late"}):
        config = EmbeddingConfig.from_record(record)
        assert config.intra_norm
        assert not {"intra_norm", "final_norm"} & set(config.record())
    assert EmbeddingConfig(**first).record()["final_norm"] is False
    changed = EmbeddingConfig(pooling="dsgmm", intra_norm=False, final_norm=True)
    assert EmbeddingConfig.from_record(changed.record()) == changed
    assert EmbeddingConfig.from_record(EmbeddingConfig(**first).record()) == EmbeddingConfig(
        **first
    )


def test_a_training_keeps_its_norms(tmp_path):
    """Also those that a record leaves out."""
    frames = EmbeddingConfig(fusion="frames")
    (tmp_path / "model.ckpt-1.index").touch()
    for there, now in ((frames, True), (dataclasses.replace(frames, final_norm=True), False)):
        record = {"model": there.record(), "feature_names": ["rgb"], "feature_sizes": [8]}
        path = tmp_path / "embedding_model.json"
        path.write_text(json.dumps({**record, "training": {"seed": 0}}))
        with pytest.raises(ValueError, match=f"--final_norm: {not now} there, {now} now".lower()):
            ModelRecord(
                dataclasses.replace(frames, final_norm=now), ["rgb"], [8], {"seed": 0}
            ).write(str(tmp_path))


def test_the_names_of_losses_are_those_of_the_registry():
    assert tuple(LOSSES.values()) == losses.TRIPLET_NAMES


def test_imports_neither_tensorflow_nor_keras():
    program = (
        "import sys, yt8m_models.embedding.config\n"
        "assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
