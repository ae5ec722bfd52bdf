"""Mutated submission files: a result, or an error that names the file and the line."""

import gzip
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yt8m_models.data.records import frame_record, write_records
from yt8m_models.prediction.ensemble.config import EnsembleConfig
from yt8m_models.prediction.ensemble.ensembling import ensemble
from yt8m_models.prediction.score.config import ScoreConfig
from yt8m_models.prediction.score.scoring import score

VIDEOS = b"VideoId,LabelConfidencePairs\n" + b"".join(
    b"v%d,%d 0.9 3 0.25 11 1e-05\n" % (n, 20 + n) for n in range(6)
)
SEGMENTS = b"Class,Segments\n" + b"".join(
    b"%d,%b\n" % (label, b" ".join(b"v%d:%d" % (n, 5 * label) for n in range(6)))
    for label in range(4)
)
TOKENS = [b"", b",", b'"', b'""', b" ", b"\n", b"\r\n", b"\t", b"\0", b"\xff", b"\xef\xbb\xbf"]
TOKENS += [
    b":",
    b"nan",
    b"-1",
    b"1e999",
    b"v0",
    b"v1:5",
    b"0x10",
    b"1.",
    b"+.5",
    b"--",
    b"1e",
    b"\v",
]
TOKENS += ["é".encode(), "٣".encode(), b"1_0", b"9" * 30, b"\x1f\x8b"]


@st.composite
def mutated(draw, text):
    """A file of which up to four parts are cut out, doubled, swapped or replaced."""
    for _ in range(draw(st.integers(1, 4))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        part = text[start:end]
        kind = draw(st.sampled_from(["cut", "end", "double", "reverse", "token", "bytes", "swap"]))
        if kind == "end":
            text = text[:end]
        elif kind == "swap":
            lines = text.split(b"\n")
            first, second = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
            lines[first], lines[second] = lines[second], lines[first]
            text = b"\n".join(lines)
        else:
            replacements = {"cut": b"", "double": part + part, "reverse": part[::-1]}
            if kind == "token":
                end = min(end, start + 3)
            new = {
                **replacements,
                "token": draw(st.sampled_from(TOKENS)),
                "bytes": draw(st.binary(max_size=8)),
            }[kind]
            text = text[:start] + new + text[end:]
    if draw(st.booleans()) and draw(st.booleans()):
        text = gzip.compress(text)
        cut = draw(st.integers(0, 40))
        text = text[: len(text) - cut] if draw(st.booleans()) else text
    return text


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """Records with labels and rated segments, and good files of both kinds."""
    directory = tmp_path_factory.mktemp("mutated")
    frames = {"rgb": np.zeros((30, 2), np.uint8)}
    records = [
        frame_record(
            b"v%d" % n, [20 + n, 3], frames, [(5 * c, 5 * c + 5, c, float(n % 2)) for c in range(4)]
        )
        for n in range(6)
    ]
    write_records(directory / "labels.tfrecord", records)
    (directory / "good.csv").write_bytes(VIDEOS)
    return directory


def check_error(error):
    """Names the file; a line that is quoted has a number."""
    message = str(error)
    assert "bad.csv" in message, message
    if "; received" in message:
        assert re.search(r"bad\.csv, line \d+: ", message), message


@pytest.mark.slow
@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_score(directory, data):
    text = data.draw(st.one_of(mutated(VIDEOS), mutated(SEGMENTS)))
    (directory / "bad.csv").write_bytes(text)
    try:
        (scores,), _ = score(
            ScoreConfig(str(directory / "bad.csv"), str(directory / "labels.tfrecord"))
        )
    except ValueError as error:
        check_error(error)
    else:
        assert all(0 <= value <= 1 for value in scores.metrics.values())
        assert scores.counts[scores.kind if scores.kind == "videos" else "rated_segments"] > 0


@pytest.mark.slow
@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.one_of(mutated(VIDEOS), st.just(SEGMENTS)), rank_average=st.booleans())
def test_ensemble(directory, text, rank_average):
    """What an ensemble writes of a mutated file, it also reads, and writes again the same."""
    good, bad, output = (str(directory / name) for name in ("good.csv", "bad.csv", "out.csv"))
    (directory / "bad.csv").write_bytes(text)
    (directory / "out.csv").write_bytes(b"before")
    try:
        ensemble(EnsembleConfig(f"{bad},{good}", output, rank_average=rank_average))
    except ValueError as error:
        check_error(error)
        assert (directory / "out.csv").read_bytes() == b"before"
    else:
        written = (directory / "out.csv").read_bytes()
        again = directory / "again.csv"
        ensemble(EnsembleConfig(output, str(again)))
        assert again.read_bytes() == written
