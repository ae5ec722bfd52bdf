"""Feature tables: values by row, quantisation, and refusal of what is damaged or not finite."""

import json

import numpy as np
import pytest

from yt8m_models.data.quantization import dequantize, num_out_of_range, quantize
from yt8m_models.data.video_ids import UNKNOWN
from yt8m_models.features.feature_table import FeatureTable, write_features
from yt8m_models.features.load_features import load_features

NAMES, SIZES = ("mean_rgb", "mean_audio"), (5, 3)
IDS = [b"a", b"long id", b"c", b"d", b"e", b"f", b"g"]


@pytest.fixture
def values():
    return np.random.default_rng(0).uniform(-1.9, 2.0, (7, 8)).astype(np.float32)


def write(directory, values, ids=IDS, dtype="float32"):
    return FeatureTable.write(directory, ids, [values[:4], values[4:]], NAMES, SIZES, dtype)


def test_quantize_inverts_dequantize_and_counts_what_does_not_fit():
    steps = np.arange(256, dtype=np.uint8)
    assert np.array_equal(quantize(dequantize(steps)), steps)
    # the first step is 4 / 512 - 2 = -1.9922, the last 2.0078, half a step 0.0078
    beyond = np.array([-2.1, -2.001, -1.999, 2.01, 2.02, 9.0], np.float32)
    assert quantize(beyond).tolist() == [0, 0, 0, 255, 255, 255]
    assert num_out_of_range(beyond) == 4
    assert num_out_of_range(dequantize(steps)) == 0


@pytest.mark.parametrize(
    ("dtype", "error", "bytes_a_value"),
    [("uint8", 2 / 255 + 1e-6, 1), ("float16", 1e-3, 2), ("float32", 0, 4)],
)
def test_take_gives_what_was_written(tmp_path, values, dtype, error, bytes_a_value):
    write(tmp_path / "t", values, dtype=dtype)
    table = load_features(tmp_path / "t")
    assert isinstance(table, FeatureTable)
    assert (table.names, table.sizes, table.num_features, len(table)) == (NAMES, SIZES, 8, 7)
    rows = np.array([6, 0, 0, 3])
    taken = table.take(rows)
    assert taken.dtype == np.float32
    np.testing.assert_allclose(taken, values[rows], rtol=0, atol=error)
    assert (tmp_path / "t" / "features.npy").stat().st_size == 128 + 7 * 8 * bytes_a_value
    assert list(table.inputs(rows)) == ["video_matrix"]
    stored = table.inputs(rows)["video_matrix"]
    assert stored.dtype == dtype
    assert np.array_equal(dequantize(stored) if dtype == "uint8" else stored, taken)
    assert table.take(np.zeros(0, int)).shape == (0, 8)
    assert table.ids.rows([b"long id", "f", "z"]).tolist() == [1, 5, UNKNOWN]


def test_the_file_is_an_ordinary_npy(tmp_path, values):
    write(tmp_path, values)
    assert np.array_equal(np.load(tmp_path / "features.npy"), values)


def test_quantised_rows_are_those_of_dequantize(tmp_path, values):
    table = write(tmp_path, values, dtype="uint8")
    steps = np.load(tmp_path / "features.npy")
    assert np.array_equal(table.take(np.arange(7)), dequantize(steps))


def test_select_reads_some_features_in_another_order(tmp_path, values):
    table = write(tmp_path, values)
    audio = load_features(tmp_path, ["mean_audio"])
    assert (audio.names, audio.sizes, audio.num_features) == (("mean_audio",), (3,), 3)
    assert np.array_equal(audio.take(np.array([2, 1])), values[[2, 1], 5:])
    swapped = table.select(["mean_audio", "mean_rgb"])
    expected = np.concatenate([values[:, 5:], values[:, :5]], axis=1)
    assert np.array_equal(swapped.take(np.arange(7)), expected)
    assert np.array_equal(table.take(np.arange(7)), values)
    for names in ([], ["depth"], ["mean_rgb", "mean_rgb"]):
        with pytest.raises(ValueError, match="some of mean_rgb, mean_audio, each once"):
            table.select(names)


@pytest.mark.parametrize("row", [UNKNOWN, 7])
def test_unknown_rows_are_refused(tmp_path, values, row):
    table = write(tmp_path, values)
    with pytest.raises(ValueError, match=f"rows must be 0 to 6; received {row}"):
        table.take(np.array([0, row]))


@pytest.mark.parametrize(
    ("value", "dtype", "message"),
    [
        (np.nan, "uint8", "video 'e': value 1 of feature 'mean_audio' must be finite; it is nan"),
        (-np.inf, "float32", "video 'e': value 1 of .* must be finite; it is -inf"),
        (7e4, "float16", "video 'e': value 1 of .* is too large for float16; it is 70000"),
    ],
)
def test_values_that_cannot_be_kept_are_refused_by_id(tmp_path, values, value, dtype, message):
    values[4, 6] = value
    with pytest.raises(ValueError, match=message):
        write(tmp_path, values, dtype=dtype)
    assert list(tmp_path.iterdir()) == []


def test_large_finite_values_are_kept(tmp_path, values):
    values[4] = 3e38  # their sum is not finite
    assert np.array_equal(write(tmp_path, values).take(np.array([4])), values[4:5])


def test_wrong_shapes_and_ids_are_refused(tmp_path, values):
    with pytest.raises(ValueError, match="video id 'a' is there twice"):
        write(tmp_path, values, [*IDS[:-1], b"a"])
    with pytest.raises(ValueError, match="a row for each of the 7 ids; received 4"):
        FeatureTable.write(tmp_path, IDS, [values[:4]], NAMES, SIZES)
    with pytest.raises(ValueError, match=r"shape \(4, 8\).*received \(4, 7\)"):
        write(tmp_path, values[:, :7])
    with pytest.raises(ValueError, match="must differ and each must have a size"):
        write_features(tmp_path, [], ("a", "a"), (1, 1))
    with pytest.raises(ValueError, match="dtype must be one of uint8, float16, float32"):
        write_features(tmp_path, [], NAMES, SIZES, "int8")
    blocks = [(IDS[:2], values[:2]), (IDS[:1], values[:1])]
    with pytest.raises(ValueError, match="video id 'a' is there twice"):
        write_features(tmp_path, blocks, NAMES, SIZES)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_table_is_none(tmp_path, values):
    def interrupted():
        yield values[:4]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FeatureTable.write(tmp_path, IDS, interrupted(), NAMES, SIZES)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match=r"holds no features.json.*build-features"):
        load_features(tmp_path)
    assert len(write(tmp_path, values)) == 7


def test_existing_and_remote_directories_are_refused(tmp_path, values):
    write(tmp_path, values)
    with pytest.raises(ValueError, match="already holds features"):
        write(tmp_path, values)
    with pytest.raises(ValueError, match="must be a local directory"):
        write("gs://bucket/features", values)


def test_damaged_tables_are_refused(tmp_path, values, forget_contents):
    write(tmp_path, values)
    forget_contents(tmp_path)
    record = json.loads((tmp_path / "features.json").read_text())
    content = (tmp_path / "features.npy").read_bytes()
    (tmp_path / "features.npy").write_bytes(content[:-5])
    with pytest.raises(ValueError, match=r"features\.npy cannot be read"):
        load_features(tmp_path)
    np.save(tmp_path / "features.npy", values[:3])
    with pytest.raises(ValueError, match=r"features\.npy must be .* \(7, 8\); it is .* \(3, 8\)"):
        load_features(tmp_path)
    for change, message in [
        ({"kind": "frame"}, r"ids|file_numbers\.npy cannot be read"),
        ({"kind": "pixels"}, "kind must be video or frame; it is 'pixels'"),
        ({"names": None}, "not the record of features"),
    ]:
        (tmp_path / "features.json").write_text(json.dumps(record | change))
        with pytest.raises(ValueError, match=message):
            load_features(tmp_path)
    (tmp_path / "features.json").write_text(json.dumps(record | {"kind": "frame"}))
    with pytest.raises(ValueError, match="kind must be video; it is 'frame'"):
        FeatureTable.load(tmp_path)
