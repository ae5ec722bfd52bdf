"""The examples of `docs/serving.md` run."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from yt8m_models.config import DataConfig
from yt8m_models.data.records import write_records
from yt8m_models.export.predict.__main__ import PROGRAM, main
from yt8m_models.export.serve.__main__ import PROGRAM as SERVE
from yt8m_models.export.serve.config import ServeConfig

PAGE = (Path(__file__).parents[3] / "docs" / "serving.md").read_text("utf-8")
ADDRESS = "127.0.0.1:8080"


def commands(name):
    """The commands of the page that begin with a name, as words."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    lines = "".join(blocks).replace("\\\n", "").splitlines()
    return [shlex.split(line) for line in lines if line.startswith(name)]


def test_predict(tiny_export, videos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.symlink(tiny_export(), "exported")
    write_records("test00.tfrecord", videos[2])
    (words,) = commands("yt8m predict")
    main(PROGRAM.parse(words[2:]))
    assert len(Path("submission.csv").read_text().splitlines()) == 4
    main(PROGRAM.parse([*words[2:], "--output_file=predictions.jsonl"]))
    line = json.loads(Path("predictions.jsonl").read_text().splitlines()[0])
    example = json.loads(re.search(r"```json\n(.*?)\n```", PAGE)[1])
    assert list(line) == list(example)


def test_serve_and_its_limits():
    (words,) = commands("yt8m serve")
    arguments = SERVE.parse(words[2:])
    assert arguments[ServeConfig] == ServeConfig("exported", port=8080)
    for text in (
        "timeout_seconds` (30)",
        "max_body_mb` (16)",
        "max_videos` (64)",
        "max_batch` (32)",
    ):
        name, value = re.fullmatch(r"(\w+)` \((\d+)\)", text).groups()
        assert text in PAGE
        assert getattr(arguments[ServeConfig], name) == float(value)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(serving, videos, tmp_path):
    write_records(tmp_path / "test00.tfrecord", videos[2])
    np.save(tmp_path / "video.npy", videos[1][0])
    with serving() as client:
        answers = [
            json.loads(
                subprocess.run(
                    [word.replace(ADDRESS, f"127.0.0.1:{client.server.port}") for word in words],
                    check=True,
                    capture_output=True,
                    cwd=tmp_path,
                ).stdout
            )["predictions"]
            for words in commands("curl")
        ]
    assert [video["id"].encode() for video in answers[0]] == videos[0]
    assert [len(video["classes"]) for video in answers[0]] == [5, 5, 5]
    assert answers[1][0]["classes"] == answers[0][0]["classes"][:2]


def test_python(serving, tiny_export, capsys):
    data = DataConfig(("rgb", "audio"), (1024, 128), True)
    with serving(tiny_export(data=data)) as client:
        code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
        exec(code.replace(ADDRESS, f"127.0.0.1:{client.server.port}"), {})
    assert re.fullmatch(
        r"mine class \d 0\.\d+(e-\d+)?\n|mine class \d 1\.0\n", capsys.readouterr().out
    )
