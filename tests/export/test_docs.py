"""The examples of `docs/export.md` and of the README run, and give what the Keras model gives."""

import base64
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import yt8m_models
from yt8m_models.data.quantization import dequantize
from yt8m_models.export.config import FORMATS
from yt8m_models.export.saved_model import SavedModelSession

pytest.importorskip("tf2onnx", reason="needs the extra `export`")
pytest.importorskip("ai_edge_litert", reason="needs the extra `export`")
pytest.importorskip("safetensors", reason="needs the extra `hub`")

PAGE = (Path(__file__).parents[2] / "docs" / "export.md").read_text("utf-8")


@pytest.fixture(scope="module")
def exported(classifier, export_to_new):
    """A directory with an export in `exported`, and the record of it."""
    return export_to_new(classifier("FrameLevelLogisticModel"), format=FORMATS, top_k=3)


@pytest.fixture
def run(exported, page_example, monkeypatch):
    """Runs the example of a section; its variables."""
    monkeypatch.chdir(exported[0].parent)

    def run_example(title, *replaced):
        variables = {}
        exec(page_example(title).replace(*replaced or ("", "")), variables)
        return variables

    return run_example


@pytest.mark.parametrize(
    "title", ["MediaPipe", "onnxruntime", "LiteRT", "Keras", "Hugging Face Hub"]
)
def test_examples(title, run):
    variables = run(title)
    expected = variables["check"]["predictions"]
    np.testing.assert_allclose(variables["predictions"], expected, atol=1e-6)


def test_the_examples_of_the_readme(exported, monkeypatch):
    """Each target gives the predictions that were recorded."""
    monkeypatch.chdir(exported[0].parent)
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    section = readme.partition("\n## Out of the training\n")[2].partition("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    variables = {
        "np": np,
        "tf": tf,
        "keras": keras,
        "onnxruntime": pytest.importorskip("onnxruntime"),
        "Interpreter": pytest.importorskip("ai_edge_litert.interpreter").Interpreter,
        "yt": yt8m_models,
        "dequantize": dequantize,
    }
    exec(code, variables)
    expected = variables["check"]["predictions"]
    for target in ("hub", "keras_file", "serving", "mediapipe", "onnx", "litert"):
        found = variables[target]
        if isinstance(found, dict):
            found = found["predictions"]
        (found,) = found if isinstance(found, list) else [found]
        np.testing.assert_allclose(found, expected, atol=1e-6, err_msg=target)


def test_a_request_to_tensorflow_serving(exported, run, capsys):
    """A server that answers as the REST interface of TensorFlow Serving does."""
    with SavedModelSession(str(exported[0] / "saved_model")) as session:

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                assert self.path == "/v1/models/yt8m:predict"
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                given = [each["example_bytes"]["b64"] for each in body["instances"]]
                records = np.array([base64.b64decode(each) for each in given], object)
                outputs = session("serving_default", {"example_bytes": records})
                outputs["video_id"] = np.array([each.decode() for each in outputs["video_id"]])
                rows = [
                    {name: values[row].tolist() for name, values in outputs.items()}
                    for row in range(len(records))
                ]
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps({"predictions": rows}).encode())

            def log_message(self, *arguments):
                pass

        with HTTPServer(("localhost", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            variables = run(
                "TensorFlow Serving", "localhost:8501", f"localhost:{server.server_port}"
            )
            server.shutdown()
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    expected = variables["check"]["predictions"]
    assert [line[0] for line in printed] == ["c000", "c001", "c002", "c003"]
    assert [int(line[1]) for line in printed] == expected.argmax(axis=1).tolist()
    best = [float(line[2]) for line in printed]
    np.testing.assert_allclose(best, expected.max(axis=1), atol=1e-6)


def test_the_page_names_every_file_and_key(exported):
    directory, record = exported
    for path in directory.iterdir():
        name = f"{path.name}/" if path.is_dir() else path.name
        assert f"| `{name}` |" in PAGE
    table = PAGE.partition("| key | value |")[2].partition("\n\n")[0]
    named = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| ([^|]*) \|", table, re.MULTILINE)))
    assert sorted(named) == sorted([*record, "contents"])
    formats = {path: written["path"] for path, written in record["formats"].items()}
    assert set(formats) == set(FORMATS)
