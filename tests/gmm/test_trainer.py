"""Tests of yt8m_models.gmm.trainer: small trainings, the files that they leave, and kills."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from yt8m_models.config import DataConfig
from yt8m_models.data.quantization import dequantize
from yt8m_models.gmm.config import COVARIANCE_TYPES, FrameFormat, UBMConfig
from yt8m_models.gmm.frames import Frames
from yt8m_models.gmm.train_ubm.__main__ import PROGRAM
from yt8m_models.gmm.trainer import train_ubm
from yt8m_models.gmm.ubm_dir import UBM_DIR, load_ubm

from .conftest import DATA

ROOT = Path(__file__).resolve().parents[2]


def normalized(quantised, per_feature=False):
    frames = dequantize(quantised).astype(np.float64)
    if not per_feature:
        return frames / np.linalg.norm(frames, axis=1, keepdims=True)
    parts = [frames[:, :8], frames[:, 8:]]
    return np.concatenate([p / np.linalg.norm(p, axis=1, keepdims=True) for p in parts], axis=1)


def collect(frames):
    return np.concatenate(list(frames))


def in_any_order(rows):
    return rows[np.lexsort(rows.T)]


def test_frames_are_those_of_the_records_with_and_without_memory(config, change, quantised):
    for cache_gb in (1.0, 0.0):
        frames = Frames(change(config, cache_gb=cache_gb), DATA)
        assert frames.count is None
        first, second = collect(frames), collect(frames)
        np.testing.assert_array_equal(in_any_order(first), in_any_order(quantised))
        np.testing.assert_array_equal(second, first)
        assert frames.count == len(quantised)
        assert (frames._cache is not None) == (cache_gb > 0)


@pytest.mark.parametrize("per_feature", [False, True])
def test_frames_are_normalized_as_the_models_input(per_feature, config, change, quantised):
    frames = Frames(change(config, per_feature_l2_norm=per_feature), DATA)
    expected = normalized(quantised, per_feature)
    np.testing.assert_allclose(frames.normalize(quantised), expected, atol=1e-6)


def test_max_frames_are_drawn_from_the_seed(config, change, quantised):
    runs = [collect(Frames(change(config, max_frames=100, seed=seed), DATA)) for seed in (1, 1, 2)]
    assert {run.shape for run in runs} == {(100, 12)}
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()
    frames = Frames(change(config, max_frames=100), DATA)
    np.testing.assert_array_equal(collect(frames), collect(frames))
    assert len(collect(Frames(change(config, max_frames=10**6), DATA))) == len(quantised)


def test_frames_sampled_per_video(config, change):
    assert len(collect(Frames(change(config, sample_frames=3), DATA))) == 3 * 120


@pytest.mark.parametrize(
    ("covariance_type", "cache_gb"), [("tied", 1.0), ("diagonal", 0.0), ("spherical", 1.0)]
)
def test_training_leaves_its_files(config, change, quantised, covariance_type, cache_gb, capsys):
    config = change(config, covariance_type=covariance_type, cache_gb=cache_gb)
    result = train_ubm(config, DATA)
    frames = normalized(quantised)
    parts = {"rgb": frames[:, :8], "audio": frames[:, 8:]}
    for name, clusters in (("rgb", 6), ("audio", 3)):
        history = result[name]["log_likelihood"]
        assert result[name]["num_frames"] == len(quantised)
        assert len(history) == 5
        assert (np.diff(history) >= 0).all()
        ubm = load_ubm(config.output_dir, name)
        assert COVARIANCE_TYPES[2 - ubm.covariance.ndim] == covariance_type
        assert ubm.means.shape == (clusters, parts[name].shape[1])
        assert ubm.weights.sum() == pytest.approx(1)
        assert ubm.log_density(parts[name]).mean() >= history[-1] - 1e-6
        assert UBM_DIR.read(config.output_dir)["ubms"][name]["log_likelihood"] == history
    output = capsys.readouterr()
    assert output.out.count("iteration ") >= 5
    assert f"rgb {result['rgb']['log_likelihood'][4]:.6f} (+" in output.out
    assert "iteration 5" in output.err


def test_log_likelihoods_are_those_of_the_mixtures(config, change, quantised):
    """The one of iteration t + 1 is of the mixture that t iterations give."""
    longer = train_ubm(change(config, output_dir=config.output_dir + "-4", max_iterations=4), DATA)
    train_ubm(change(config, max_iterations=3), DATA)
    ubm = load_ubm(config.output_dir, "audio")
    expected = ubm.log_density(normalized(quantised)[:, 8:]).mean()
    assert longer["audio"]["log_likelihood"][3] == pytest.approx(expected, abs=1e-5)


def test_memory_and_records_give_the_same(config, change):
    results = [
        train_ubm(change(config, output_dir=config.output_dir + str(gb), cache_gb=gb), DATA)
        for gb in (1.0, 0.0)
    ]
    assert results[0] == results[1]


def test_all_features_together(config, change, quantised):
    config = change(config, pool_per_feature=False, per_feature_l2_norm=True)
    result = train_ubm(config, DATA)
    assert list(result) == ["rgb_audio"]
    ubm = load_ubm(config.output_dir, "rgb_audio")
    assert ubm.means.shape == (6, 12)
    frames = normalized(quantised, per_feature=True)
    assert ubm.log_density(frames).mean() >= result["rgb_audio"]["log_likelihood"][-1] - 1e-6


def test_a_resumed_run_goes_on_as_if_nothing_had_happened(config, change, capsys):
    straight = train_ubm(config, DATA)
    other = change(config, output_dir=config.output_dir + "-resumed")
    for iterations in (1, 3, 5):
        resumed = train_ubm(change(other, max_iterations=iterations), DATA)
    assert resumed == straight
    for name in ("rgb", "audio"):
        for key in ("weights", "means", "covariance"):
            expected = getattr(load_ubm(config.output_dir, name), key)
            np.testing.assert_array_equal(getattr(load_ubm(other.output_dir, name), key), expected)
    assert capsys.readouterr().out.count("Resuming from") == 2
    assert train_ubm(other, DATA) == straight  # nothing to do


def test_the_seed_decides(config, change):
    runs = [
        train_ubm(change(config, output_dir=f"{config.output_dir}{run}", seed=seed), DATA)
        for run, seed in enumerate((3, 3, 4))
    ]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_a_directory_of_another_ubm_is_refused_or_overwritten(config, change):
    train_ubm(config, DATA)
    other = change(config, num_clusters=4, covariance_type="diagonal")
    with pytest.raises(ValueError, match="belongs to another UBM") as error:
        train_ubm(other, DATA)
    assert "--num_clusters: 6 there, 4 now" in str(error.value)
    assert "--covariance_type: tied there, diagonal now" in str(error.value)
    train_ubm(change(other, overwrite=True), DATA)
    assert load_ubm(config.output_dir, "rgb").covariance.shape == (8,)


def test_without_matplotlib_there_is_no_plot(config, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    train_ubm(config, DATA)
    assert "plots need matplotlib" in capsys.readouterr().out
    assert "log_likelihood.png" not in os.listdir(config.output_dir)


def test_with_matplotlib_there_is_a_plot(config):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    train_ubm(config, DATA)
    image = Path(config.output_dir, "log_likelihood.png").read_bytes()
    assert image.startswith(b"\x89PNG")


def test_refusals(config, change, records, tmp_path):
    with pytest.raises(ValueError, match="--num_clusters must be at most the number of frames"):
        train_ubm(change(config, num_clusters=5000), DATA)
    with pytest.raises(ValueError, match="--train_data_pattern: no file matches"):
        train_ubm(change(config, train_data_pattern=str(tmp_path / "none*")), DATA)
    with pytest.raises(ValueError, match=r"train\d\.tfrecord: record 0"):
        train_ubm(config, DataConfig(("rgb", "audio"), (9, 4), True, num_classes=6))
    with pytest.raises(ValueError, match=r"holds no ubm\.json"):
        load_ubm(str(records), "rgb")
    (tmp_path / "ubm.json").write_text("[]")
    with pytest.raises(ValueError, match="not the record of a UBM"):
        load_ubm(str(tmp_path), "rgb")
    train_ubm(config, DATA)
    with pytest.raises(ValueError, match=r"no UBM 'video'.*there are rgb, audio"):
        load_ubm(config.output_dir, "video")
    np.savez(f"{config.output_dir}/rgb.npz", means=np.zeros((2, 8)))
    with pytest.raises(ValueError, match=r"rgb\.npz is not a UBM; it has means"):
        load_ubm(config.output_dir, "rgb")
    Path(config.output_dir, "rgb.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"rgb\.npz cannot be read"):
        load_ubm(config.output_dir, "rgb")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"train_data_pattern": ""}, "--train_data_pattern must be given"),
        ({"output_dir": " "}, "--output_dir must be given"),
        ({"num_clusters": 0}, "--num_clusters must be at least 1; received 0"),
        ({"num_clusters_audio": 0}, "--num_clusters_audio must be at least 1"),
        ({"covariance_floor": 0.0}, "--covariance_floor must be above 0; received 0"),
        ({"covariance_type": "full"}, "--covariance_type=full: must be one of tied"),
        ({"tolerance": float("nan")}, "--tolerance must be a finite number"),
        ({"max_frames": -1}, "--max_frames must be at least 0"),
        ({"cache_gb": -1.0}, "--cache_gb must be at least 0"),
    ],
)
def test_flags_out_of_range(flags, message):
    with pytest.raises(ValueError, match=message):
        UBMConfig(**{"train_data_pattern": "a", "output_dir": "b", **flags})


def test_the_programs_flags():
    arguments = PROGRAM.parse(
        ["--train_data_pattern=a", "--output_dir=b", "--max_frames=7", "--feature_sizes=8,4"]
    )
    assert arguments[UBMConfig] == UBMConfig("a", "b", max_frames=7)
    assert arguments[FrameFormat].data().feature_sizes == (8, 4)
    with pytest.raises(ValueError, match="--frame_features must be true"):
        PROGRAM.parse(["--train_data_pattern=a", "--output_dir=b", "--noframe_features"])
    assert "--covariance_type = tied" in PROGRAM.help()


@pytest.mark.slow
def test_killed_at_any_moment_it_resumes(config, records, change):
    command = [
        *(sys.executable, "-m", "yt8m_models.gmm.train_ubm"),
        f"--train_data_pattern={config.train_data_pattern}",
        *("--feature_sizes=8,4", "--num_classes=6", "--num_clusters=6", "--tolerance=-0"),
    ]
    rng = np.random.default_rng(0)
    killed = Path(config.output_dir)
    for _ in range(3):
        flags = [f"--output_dir={killed}", "--max_iterations=100000"]
        with subprocess.Popen(
            [*command, *flags], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            while not (killed / "checkpoint.npz").exists():
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.02)
            time.sleep(rng.uniform(0.0, 4.0))
            process.send_signal(signal.SIGKILL)
    with np.load(killed / "checkpoint.npz") as checkpoint:
        iterations = len(checkpoint["rgb/history"])
    resumed = train_ubm(change(config, max_iterations=iterations), DATA)
    straight = train_ubm(
        change(config, output_dir=f"{killed}-straight", max_iterations=iterations), DATA
    )
    for name in ("rgb", "audio"):
        np.testing.assert_allclose(
            resumed[name]["log_likelihood"][:iterations], straight[name]["log_likelihood"]
        )
    assert json.loads((killed / "ubm.json").read_text())["ubms"] == resumed
