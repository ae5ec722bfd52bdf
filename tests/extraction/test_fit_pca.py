"""The fitting of a PCA: against NumPy, of records and arrays, errors, and going on."""

import json
import signal

import numpy as np
import pytest

from yt8m_models.data.quantization import dequantize
from yt8m_models.data.records import frame_list, frame_record, video_record, write_records
from yt8m_models.extraction.fit_pca import feature_rows
from yt8m_models.extraction.fit_pca.__main__ import PROGRAM, main
from yt8m_models.extraction.fit_pca.config import FitPCAConfig
from yt8m_models.extraction.fit_pca.fitting import fit_pca
from yt8m_models.extraction.frame_features import parse_sequence
from yt8m_models.extraction.pca import read_pca

RNG = np.random.default_rng(0)


def correlated(rows, size=6):
    return (RNG.normal(size=(rows, size)) @ RNG.normal(size=(size, size)) + 3).astype(np.float32)


def eigen(features):
    """Mean, variances and eigenvectors (as columns) by NumPy, greatest variance first."""
    features = features.astype(np.float64)
    variances, vectors = np.linalg.eigh(np.cov(features.T, bias=True))
    return features.mean(axis=0), variances[::-1], vectors[:, ::-1]


def whitened(features, components):
    """By the formula of YouTube-8M, up to signs."""
    mean, variances, vectors = eigen(features)
    projected = (features - mean) @ vectors[:, :components]
    return projected / np.sqrt(variances[:components] + 1e-4)


def media_record(frames, key="RGB/feature/floats"):
    example = parse_sequence(frame_record(b"abcd", [], {}))
    example.feature_lists.feature_list[key].CopyFrom(frame_list(frames))
    return example.SerializeToString()


@pytest.fixture
def fit(tmp_path):
    """Fits the files of a pattern in the directory of the test, in `pca` there."""

    def fit(pattern="*.npy", to="pca", **options):
        return fit_pca(
            FitPCAConfig(f"{tmp_path}/{pattern}", output_dir=f"{tmp_path}/{to}", **options)
        )

    return fit


def check(summary, pca, features, components):
    """Compares a PCA with NumPy's."""
    assert pca.settings == summary.pca.settings
    received, expected = pca(features), whitened(features, components)
    np.testing.assert_allclose(np.abs(received), np.abs(expected), rtol=1e-3, atol=1e-3)
    _, variances, _ = eigen(features)
    shares = np.cumsum(variances)[:components] / variances.sum()
    np.testing.assert_allclose(summary.explained, shares, rtol=1e-6)
    assert summary.num_rows == len(features)


def test_arrays_in_blocks(fit, tmp_path, monkeypatch):
    monkeypatch.setattr(feature_rows, "_ROWS", 64)
    features = correlated(300)
    np.save(tmp_path / "a.npy", features[:130].astype(np.float64))
    np.save(tmp_path / "b.npy", features[130:])
    check(fit(components=4), read_pca(tmp_path / "pca"), features, 4)
    mean, variances, vectors = eigen(features)
    loaded = {name: np.load(tmp_path / "pca" / f"{name}.npy") for name in ("mean", "eigenvals")}
    np.testing.assert_allclose(loaded["mean"], mean[:, None], rtol=1e-9)
    np.testing.assert_allclose(loaded["eigenvals"], variances[:4, None], rtol=1e-9)
    rows = np.load(tmp_path / "pca" / "eigenvecs.npy")
    np.testing.assert_allclose(np.abs(rows), np.abs(vectors.T[:4]), rtol=1e-6, atol=1e-9)
    record = json.loads((tmp_path / "pca" / "pca.json").read_text())
    assert (record["rows"], record["size"], record["input_size"]) == (300, 4, 6)
    assert sorted(path.name for path in (tmp_path / "pca").iterdir()) == [
        *("eigenvals.npy", "eigenvecs.npy", "mean.npy", "pca.json")
    ]


@pytest.mark.parametrize("kind", ["bytes", "floats", "video"])
def test_features_of_records(fit, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(feature_rows, "_ROWS", 25)
    quantised = np.clip(correlated(120) * 20 + 60, 0, 255).astype(np.uint8)
    features = dequantize(quantised)
    parts = np.split(np.arange(120), [0, 50, 51, 90])  # the first has no frame
    if kind == "bytes":
        records = [frame_record(b"abcd", [], {"rgb": quantised[part]}) for part in parts]
        name = "rgb"
    elif kind == "floats":
        records = [media_record(features[part]) for part in parts]
        name = "RGB/feature/floats"
    else:
        records = [video_record(b"abcd", [], {"mean_rgb": row}) for row in features]
        name = "mean_rgb"
    half = len(records) // 2
    write_records(tmp_path / "a.tfrecord", records[:half])
    write_records(tmp_path / "b.tfrecord", records[half:])
    summary = fit("*.tfrecord", components=3, feature_name=name)
    check(summary, read_pca(tmp_path / "pca"), features, 3)


def test_all_components_unless_there_are_more_than_1024(fit, tmp_path):
    np.save(tmp_path / "a.npy", correlated(30))
    assert fit().pca.size == 6
    np.save(tmp_path / "wide.npy", RNG.normal(size=(1100, 1030)))
    assert fit("wide.npy", to="wide").pca.size == 1024


class Stop:
    """An interruption after some looks at it."""

    def __init__(self, looks):
        self.looks = looks

    @property
    def signal(self):
        self.looks -= 1
        return signal.SIGTERM if self.looks < 0 else None


# Blocks of 20 rows: of the arrays 20, 20, 10 and 20 …, of the files of records 20, 20, 5 and 20 …
@pytest.mark.parametrize(
    ("kind", "looks", "count"),
    [
        *(("arrays", 0, 20), ("arrays", 2, 50), ("arrays", 4, 90)),
        *(("records", 0, 20), ("records", 2, 45), ("records", 4, 85)),
    ],
)
def test_an_interrupted_run_goes_on_where_it_was(tmp_path, monkeypatch, kind, looks, count):
    monkeypatch.setattr(feature_rows, "_ROWS", 20)
    features = correlated(130)
    if kind == "arrays":
        np.save(tmp_path / "a.npy", features[:50])
        np.save(tmp_path / "b.npy", features[50:])
    else:
        records = [media_record(rows) for rows in np.split(features, 26)]
        write_records(tmp_path / "a.tfrecord", [records[0], b"\xff", *records[1:9]])
        write_records(tmp_path / "b.tfrecord", records[9:])
    options = {"feature_name": "RGB/feature/floats", "max_bad_records": 1, "components": 3}
    pattern = f"{tmp_path}/[ab].*"
    expected = fit_pca(FitPCAConfig(pattern, output_dir=str(tmp_path / "whole"), **options))
    config = FitPCAConfig(pattern, output_dir=str(tmp_path / "pca"), **options)
    assert fit_pca(config, Stop(looks)) is None
    with np.load(tmp_path / "pca" / "checkpoint.npz") as sums:
        assert sums["count"] == count
    received = fit_pca(config)
    assert received.pca.settings == expected.pca.settings
    assert received.num_rows == 130
    assert received.problems == expected.problems
    assert ("skipped 1 bad record" in (received.problems or "")) == (kind == "records")
    assert not (tmp_path / "pca" / "checkpoint.npz").exists()


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", correlated(30))
    config = FitPCAConfig(f"{tmp_path}/*.npy", output_dir=str(tmp_path / "pca"))
    assert fit_pca(config, Stop(0)) is None
    other = FitPCAConfig(f"{tmp_path}/a.npy", output_dir=str(tmp_path / "pca"))
    with pytest.raises(ValueError, match="has the checkpoint of another PCA:\n  --input_data_pat"):
        fit_pca(other)
    np.save(tmp_path / "b.npy", correlated(30))
    with pytest.raises(ValueError, match="has other files than when"):
        fit_pca(config)
    (tmp_path / "b.npy").unlink()
    np.savez(tmp_path / "pca" / "checkpoint.npz", a=np.zeros(1))
    with pytest.raises(ValueError, match=r"checkpoint\.npz is no checkpoint of a PCA"):
        fit_pca(config)


def test_a_pca_is_not_replaced(fit, tmp_path):
    np.save(tmp_path / "a.npy", correlated(30))
    fit()
    with pytest.raises(ValueError, match="already holds a PCA; choose another directory"):
        fit()


@pytest.mark.parametrize(
    ("array", "error"),
    [
        (np.zeros((3, 4), int), r"floats of the shape \(n, size\); it is int64 of \(3, 4\)"),
        (np.zeros(3), r"it is float64 of \(3,\)"),
        (np.full((3, 4), np.nan), r"row 0 on must be finite; the value at \[0, 0\] of \[3, 4\]"),
        (np.zeros((3, 5)), "has 5 values a row, and before 4"),
        (np.zeros((0, 4)), "--components=4 needs as many dimensions and rows; there are 4 and 3"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(fit, tmp_path, array, error):
    np.save(tmp_path / "a.npy", np.zeros((3, 4)))
    np.save(tmp_path / "b.npy", array)
    with pytest.raises(ValueError, match=error) as raised:
        fit()
    assert "b.npy" in str(raised.value) or "--components" in str(raised.value)
    (tmp_path / "b.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(ValueError, match=r"b\.npy cannot be read"):
        fit()


def test_too_many_components_are_refused(fit, tmp_path):
    np.save(tmp_path / "a.npy", correlated(30))
    with pytest.raises(ValueError, match=r"--components=7 needs as many .* there are 6 and 30"):
        fit(components=7)
    np.save(tmp_path / "empty.npy", np.zeros((0, 4)))
    with pytest.raises(ValueError, match=r"empty\.npy has no rows"):
        fit("empty.npy", to="empty")


@pytest.mark.parametrize(
    ("record", "error"),
    [
        (
            media_record(correlated(2), "FLOW"),
            "no feature list 'rgb' .* lists FLOW and .* id, labels",
        ),
        (media_record(np.full((2, 6), np.inf, np.float32), "rgb"), "feature 'rgb' must be finite"),
        (media_record(correlated(2, 5), "rgb"), "feature 'rgb' has 5 values a row, and before 6"),
        (b"\xff", "neither an Example nor a SequenceExample"),
    ],
    ids=lambda value: value if isinstance(value, str) else "record",
)
def test_bad_records_are_named_or_left_out(fit, tmp_path, record, error):
    features = correlated(20)
    write_records(tmp_path / "a.tfrecord", [media_record(features, "rgb"), record])
    with pytest.raises(ValueError, match=rf"a\.tfrecord: record 1 \(counted from 0\): .*{error}"):
        fit("a.tfrecord")
    summary = fit("a.tfrecord", max_bad_records=1)
    check(summary, read_pca(tmp_path / "pca"), features, 6)
    assert "skipped 1 bad record" in summary.problems


def test_the_program(tmp_path, capsys):
    features = correlated(50)
    np.save(tmp_path / "a.npy", features)
    argv = [f"--input_data_pattern={tmp_path}/a.npy", f"--output_dir={tmp_path}/pca"]
    assert main(PROGRAM.parse([*argv, "--components=5"])) is None
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == f"5 of 6 components, fitted on 50 rows, in {tmp_path}/pca"
    _, variances, _ = eigen(features)
    shares = np.cumsum(variances) / variances.sum()
    assert printed[2:] == [f"{number:>6}  {shares[number - 1]:7.2%}" for number in (1, 2, 4, 5)]
