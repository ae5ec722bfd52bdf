"""Records, training and submissions on s3://, from a local server; every process exits with 0."""

import json

import pytest

RECORDS = ["--feature_names=rgb,audio", "--feature_sizes=8,4", "--num_classes=12"]


def test_records_are_written_and_read(s3, s3_environment, run):
    code = """
        import tensorflow as tf
        from yt8m_models.program.command import exit_cleanly
        from yt8m_models.storage.filesystems import require
        from yt8m_models.data.patterns import match_files
        from yt8m_models.data.records import write_records
        require("s3://videos")
        for name in ("train1", "train0", "validate0"):
            write_records(f"s3://videos/frame/{name}.tfrecord", [name.encode() * 100_000] * 2)
        files = match_files("s3://videos/frame/train*.tfrecord,s3://videos/frame/validate0.tfrecord")
        print("\\n".join(files))
        print(sum(len(record.numpy()) for record in tf.data.TFRecordDataset(files)))
        exit_cleanly(0)
    """
    expected = [f"s3://videos/frame/{name}.tfrecord" for name in ("train0", "train1", "validate0")]
    # 2 records of 100,000 names: 6 + 6 + 9 letters.
    assert run(code=code, **s3_environment).split() == [*expected, str(2 * 100_000 * 21)]
    stored = s3.list_objects_v2(Bucket="videos", Prefix="frame/")["Contents"]
    assert [entry["Key"] for entry in stored] == [
        path.removeprefix("s3://videos/") for path in expected
    ]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("s3://videos/none*", "no file matches 's3://videos/none*'"),
        ("s3://videos/frame", "'s3://videos/frame' is a directory; name its files"),
        ("s3://absent/a.tfrecord", "no file matches 's3://absent/a.tfrecord'"),
    ],
)
def test_pattern_without_files_is_named(pattern, message, s3, s3_environment, run):
    s3.put_object(Bucket="videos", Key="frame/a.tfrecord", Body=b"")
    error = run("-m", "eval", f"--eval_data_pattern={pattern}", status=1, **s3_environment)
    assert message in error


def test_train_evaluate_and_submit(s3, s3_environment, run, tmp_path):
    """Two steps from s3://, the model beside them, and a submission that is written to s3://."""
    synthetic = "yt8m_models.samples.synthetic"
    data = ["--num_videos=24", "--num_shards=2", *RECORDS]
    run("-m", synthetic, f"--output_dir={tmp_path}/data", *data)
    for path in sorted((tmp_path / "data").glob("*.tfrecord")):
        s3.upload_file(str(path), "videos", f"frame/{path.name}")
    pattern = "s3://videos/frame/*.tfrecord"

    run(
        "train.py",
        f"--train_dir={tmp_path}/model",
        f"--train_data_pattern={pattern}",
        "--frame_features",
        *RECORDS,
        *("--model=DSGMMModel", "--num_clusters=4", "--hidden_size=8"),
        *("--batch_size=8", "--max_steps=2"),
        **s3_environment,
    )
    assert list((tmp_path / "model").glob("model.ckpt-2.index"))

    evaluation = ["--run_once", f"--eval_data_pattern={pattern}"]
    run("-m", "eval", f"--train_dir={tmp_path}/model", *evaluation, **s3_environment)
    metrics = json.loads((tmp_path / "model" / "eval" / "metrics.json").read_text())
    assert metrics["num_videos"] == 24

    run(
        "inference.py",
        f"--train_dir={tmp_path}/model",
        f"--input_data_pattern={pattern}",
        "--output_file=s3://videos/submission.csv",
        **s3_environment,
    )
    stored = s3.get_object(Bucket="videos", Key="submission.csv")["Body"].read().decode()
    assert stored.startswith("VideoId,LabelConfidencePairs\n")
    assert len(stored.splitlines()) == 25
