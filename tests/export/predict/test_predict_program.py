"""`yt8m predict`: the file that `yt8m inference` writes, without TensorFlow."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from yt8m_models.data.quantization import dequantize
from yt8m_models.data.records import write_records
from yt8m_models.export.config import ExportConfig
from yt8m_models.export.exporting import export
from yt8m_models.export.predict.__main__ import PROGRAM, main
from yt8m_models.export.runtime import Runtime
from yt8m_models.prediction.__main__ import PROGRAM as INFERENCE
from yt8m_models.prediction.__main__ import main as inference_main
from yt8m_models.program.command import UsageError

ROOT = Path(__file__).resolve().parents[3]

pytest.importorskip("onnxruntime", reason="needs the extra `onnx`")


def run(*flags):
    main(PROGRAM.parse(flags))


def lines_of(path):
    """The ids and the classes of a submission, which are to be equal, and the scores."""
    header, *lines = path.read_text().splitlines()
    fields = [line.replace(",", " ").split() for line in lines]
    scores = [[float(score) for score in line[2::2]] for line in fields]
    return header, [[line[0], *line[1::2]] for line in fields], np.array(scores)


def assert_same(found, expected):
    *found, found_scores = lines_of(found)
    *expected, expected_scores = lines_of(expected)
    assert found == expected
    # Scores have 6 digits, the last of which may be rounded either way.
    np.testing.assert_allclose(found_scores, expected_scores, atol=1.01e-6, rtol=0)


@pytest.fixture
def shards(tmp_path, videos):
    """The three videos in two shards; their pattern."""
    _, _, records = videos
    write_records(tmp_path / "test0.tfrecord", records[:1])
    write_records(tmp_path / "test1.tfrecord", records[1:])
    return f"{tmp_path}/test*.tfrecord"


def expected_of(directory, frames):
    """Predictions of each video alone, of dequantised frames."""
    run_alone = Runtime(f"{directory}/model.onnx")
    counts = np.ones((1, 1), np.int32)
    return np.concatenate(
        [run_alone(dequantize(each[:300])[None], len(each[:300]) * counts[0]) for each in frames]
    )


def test_json_lines_have_what_the_model_gives(tiny_export, shards, videos, tmp_path):
    """Of 300 frames at most, in padded batches; classes of all, best first, with their names."""
    directory, output = tiny_export(), tmp_path / "found.jsonl"
    ids, frames, _ = videos
    run(f"--model={directory}", f"--input_data_pattern={shards}", f"--output_file={output}")
    expected = expected_of(directory, frames)
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert [line["id"].encode() for line in lines] == ids
    for line, scores in zip(lines, expected, strict=True):
        assert line["classes"] == np.argsort(-scores).tolist()
        assert line["labels"] == [f"class {index}" for index in line["classes"]]
        np.testing.assert_allclose(line["scores"], np.sort(scores)[::-1], rtol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 2])
def test_videos_are_the_same_in_batches_of_any_size(tiny_export, shards, tmp_path, batch_size):
    model, pattern = f"--model={tiny_export()}", f"--input_data_pattern={shards}"
    run(model, pattern, f"--output_file={tmp_path}/a.csv")
    run(model, pattern, f"--output_file={tmp_path}/b.csv", f"--batch_size={batch_size}")
    assert_same(tmp_path / "b.csv", tmp_path / "a.csv")


def test_segments_are_ranked_by_class(tiny_export, shards, videos, tmp_path, caplog):
    """Of each the best two of all classes, or of three; each class keeps its best four."""
    directory, output = tiny_export(), tmp_path / "found.csv"
    ids, frames, _ = videos
    names, segments = [], []
    for name, each in zip(ids, frames, strict=True):
        for start in range(0, len(each[:300]), 5):
            names.append(f"{name.decode()}:{start}")
            segments.append(each[start : min(start + 5, 300)])
    scores = expected_of(directory, segments)
    (tmp_path / "rated.csv").write_text("Index\n4\n0\n3\n")
    for flag, classes in (("all", range(5)), (f"{tmp_path}/rated.csv", (0, 3, 4))):
        run(
            *(f"--model={directory}", f"--input_data_pattern={shards}", "--segment_labels"),
            *(f"--segment_label_ids_file={flag}", "--segment_max_pred=4", "--top_k=2"),
            f"--output_file={output}",
        )
        best = [sorted(classes, key=lambda label: -row[label])[:2] for row in scores]
        expected = ["Class,Segments"]
        for label in classes:
            rows = [row for row in range(len(names)) if label in best[row]]
            rows = sorted(rows, key=lambda row: -scores[row, label])[:4]
            if rows:
                expected.append(f"{label},{' '.join(names[row] for row in rows)}")
        assert output.read_text().splitlines() == expected
        assert len(expected) > 2
    assert not caplog.records


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--segment_label_ids_file=all"], "--segment_label_ids_file goes with --segment_labels"),
        (["--segment_labels", "--output_file=x.jsonl"], r"must not end with \.jsonl; received x"),
    ],
)
def test_flags_that_do_not_go_together(flags, message):
    with pytest.raises(UsageError, match=message):
        PROGRAM.parse(["--model=x", "--input_data_pattern=x", "--output_file=x", *flags])


def test_segments_need_frames(tiny_export, tmp_path):
    write_records(tmp_path / "test.tfrecord", [])
    with pytest.raises(ValueError, match=r"needs a frame-level model; .* video-level"):
        run(
            *(f"--model={tiny_export(frame_features=False)}", "--segment_labels"),
            *(f"--input_data_pattern={tmp_path}/test.tfrecord", f"--output_file={tmp_path}/x"),
        )


def test_frames_as_recorded(tiny_export, shards, videos, tmp_path):
    """A file for uint8 takes the frames as they are."""
    directory, output = tiny_export(input_type="uint8"), tmp_path / "found.jsonl"
    run(f"--model={directory}", f"--input_data_pattern={shards}", f"--output_file={output}")
    frames = videos[1][1]
    expected = Runtime(f"{directory}/model.onnx")(frames[None], np.ones(1, np.int32))[0]
    found = json.loads(output.read_text().splitlines()[1])
    np.testing.assert_allclose(found["scores"], np.sort(expected)[::-1], rtol=1e-6)


def test_embeddings_are_written_as_json_lines(tiny_export, video_records, tmp_path):
    features, records = video_records
    write_records(tmp_path / "test.tfrecord", records)
    directory = tiny_export(frame_features=False, kind="embedding")
    flags = (f"--model={directory}", f"--input_data_pattern={tmp_path}/test.tfrecord")
    run(*flags, f"--output_file={tmp_path}/found.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text().splitlines()]
    expected = Runtime(f"{directory}/model.onnx")(features, np.ones(2, np.int32))
    np.testing.assert_allclose([line["embedding"] for line in lines], expected, rtol=1e-6)
    with pytest.raises(ValueError, match=r"--output_file must end with \.jsonl; received .*x\.csv"):
        run(*flags, f"--output_file={tmp_path}/x.csv")


def test_neither_tensorflow_nor_keras_nor_pandas_is_imported(tiny_export, shards, tmp_path):
    """The whole program, in a process where they cannot be imported; by segment, which is more."""
    arguments = [
        *("yt8m", "predict", f"--model={tiny_export()}", f"--input_data_pattern={shards}"),
        *(f"--output_file={tmp_path}/found.csv", "--segment_labels"),
    ]
    program = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('tensorflow', 'keras', 'pandas', 'onnx')))\n"
        f"sys.argv = {arguments!r}\n"
        "from yt8m_models.__main__ import run\n"
        "run()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
    assert len((tmp_path / "found.csv").read_text().splitlines()) == 1 + 5


def test_bad_records_are_named_and_left_out(tiny_export, videos, tmp_path, capsys):
    path = tmp_path / "test.tfrecord"
    write_records(path, [videos[2][0], b"\xff", videos[2][1]])
    flags = (
        *(f"--model={tiny_export()}", f"--input_data_pattern={path}"),
        f"--output_file={tmp_path}/found.csv",
    )
    with pytest.raises(ValueError, match=rf"{path}: record 1 \(counted from 0\): .*SequenceExamp"):
        run(*flags)
    assert not (tmp_path / "found.csv").exists()
    run(*flags, "--max_bad_records=1")
    assert len((tmp_path / "found.csv").read_text().splitlines()) == 3
    assert f"skipped 1 bad record\n  {path}: record 1" in capsys.readouterr().err


def test_directories_that_cannot_be_used(tiny_export, tmp_path):
    flags = ("--input_data_pattern=x", f"--output_file={tmp_path}/y")
    with pytest.raises(ValueError, match=r"holds no export\.json: yt8m export has not finished"):
        run(f"--model={tmp_path}", *flags)
    directory = tiny_export()
    with pytest.raises(ValueError, match=r"holds no litert file, but onnx: .*--format=litert"):
        run(f"--model={directory}", "--format=litert", *flags)
    Path(directory, "model.onnx").write_bytes(b"no model")
    with pytest.raises(ValueError, match=r"model\.onnx is not what yt8m export wrote there"):
        run(f"--model={directory}", *flags)
    with pytest.raises(ValueError, match=r"model\.onnx cannot be loaded"):
        Runtime(f"{directory}/model.onnx")


def test_the_submission_is_that_of_inference(train_dir, shards, tmp_path):
    """Equal videos, classes and segments in equal places, in ONNX and LiteRT; scores by 1e-6."""
    for library in ("tf2onnx", "ai_edge_litert"):
        pytest.importorskip(library, reason="needs the extra `export`")
    export(ExportConfig(train_dir, output_dir=str(tmp_path / "out"), format=("onnx", "litert")))
    pattern = f"--input_data_pattern={shards}"
    output = f"--output_file={tmp_path}/expected.csv"
    inference_main(INFERENCE.parse([f"--train_dir={train_dir}", pattern, output]))
    segments = ("--segment_labels", "--segment_max_pred=40")
    output = f"--output_file={tmp_path}/segments.csv"
    inference_main(INFERENCE.parse([f"--train_dir={train_dir}", pattern, output, *segments]))
    for format in ("onnx", "litert"):
        found = tmp_path / f"{format}.csv"
        run(f"--model={tmp_path}/out", f"--format={format}", pattern, f"--output_file={found}")
        assert_same(found, tmp_path / "expected.csv")
        files = (f"--format={format}", pattern, f"--output_file={found}")
        run(f"--model={tmp_path}/out", *files, *segments)
        assert found.read_bytes() == (tmp_path / "segments.csv").read_bytes()
