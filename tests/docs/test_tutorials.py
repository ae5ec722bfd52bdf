"""The tutorials' commands, run in small: each page as it is read, with some flags more."""

import csv
import re
import shlex
import shutil
import subprocess

import pytest

from yt8m_models.__main__ import program

BLOCK = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)

pytestmark = pytest.mark.slow


@pytest.fixture
def follow(docs, tmp_path, monkeypatch, capsys):
    """Runs the commands of a tutorial in order, with more flags by program, in a directory."""
    monkeypatch.chdir(tmp_path)

    def follow(page, more):
        text = (docs / "tutorials" / page).read_text("utf-8")
        for block in BLOCK.findall(text):
            for line in block.replace("\\\n", " ").splitlines():
                yt8m, name, *flags = shlex.split(line)
                assert yt8m == "yt8m"
                with pytest.raises(SystemExit) as end:
                    program(name).run([*flags, *more.get(name, ())])
                assert end.value.code == 0, f"{line}\n{capsys.readouterr().err}"

    return follow


SHORT = ("--max_steps=2", "--batch_size=8", "--nojit_compile")


def test_first_model(follow, tmp_path):
    pytest.importorskip("sklearn", reason="needs the extra `quickstart`")
    pytest.importorskip("jinja2", reason="needs the extra `report`")
    small = ("--num_train_videos=16", "--num_validation_videos=8", "--num_shards=1")
    follow("first_model.md", {"digits": small, "train": (*SHORT, "--num_clusters=2")})
    assert len((tmp_path / "submission.csv").read_text().splitlines()) == 1 + 8
    assert "GAP" in (tmp_path / "report.html").read_text("utf-8")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "average" / "model_flags.json").exists()


def test_own_videos(follow, tmp_path):
    pytest.importorskip("av", reason="needs the extra `video`")
    if shutil.which("ffmpeg") is None:
        pytest.skip("makes clips with ffmpeg, which is not installed")
    for clip in ("clips/beach1", "clips/beach2", "clips/forest1", "clips/forest2", "new/beach3"):
        colour = "yellow" if "beach" in clip else "green"
        (tmp_path / clip).parent.mkdir(exist_ok=True)
        source = f"color={colour}:size=32x32:rate=4:duration=2"
        command = ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", source]
        subprocess.run([*command, str(tmp_path / f"{clip}.mp4")], check=True)
    labels = "video_id,labels\nbeach1,0\nbeach2,0\nforest1,1\nforest2,1\n"
    (tmp_path / "labels.csv").write_text(labels)
    network = ("--rgb_model=MobileNetV3Small", "--rgb_weights=random:0")
    follow("own_videos.md", {"extract": network, "train": (*SHORT[:1], "--feature_sizes=576,128")})
    with open(tmp_path / "labelled.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["video_id"] == "beach3"


def test_recommendations(follow, tmp_path):
    pytest.importorskip("duckdb", reason="needs the extra `recommend`")
    pytest.importorskip("faiss", reason="needs the extra `recommend`")
    small = {
        "synthetic-world": ("--num_videos=200", "--num_users=60"),
        "train-embedding": (*SHORT, "--hidden_size=16", "--embedding_size=8"),
    }
    follow("recommendations.md", small)
    with open(tmp_path / "recommendations.csv", newline="") as file:
        users = [row["user_id"] for row in csv.DictReader(file)]
    assert len(set(users)) == 60
    assert len(users) == 600


def test_paper_table(follow, tmp_path):
    pytest.importorskip("sklearn", reason="needs the extra `quickstart`")
    pytest.importorskip("scipy", reason="needs the extra `recommend`")
    small = {
        "digits": ("--num_train_videos=16", "--num_validation_videos=16", "--num_shards=1"),
        "dsgmm-tables": (*SHORT, "--num_clusters=2", "--hidden_size=8"),
    }
    follow("paper_table.md", small)
    with open(tmp_path / "tables" / "results.csv", newline="") as file:
        rows = {row["row"] for row in csv.DictReader(file)}
    assert rows == {"netvlad", "dsgmm"}
