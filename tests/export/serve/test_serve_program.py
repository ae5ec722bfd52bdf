"""`yt8m serve` on the loopback: values, limits, hostile requests, and stopping."""

import base64
import concurrent.futures
import contextlib
import io
import json
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from yt8m_models.data.quantization import dequantize
from yt8m_models.data.records import write_records
from yt8m_models.export.runtime import Runtime

pytest.importorskip("onnxruntime", reason="needs the extra `serve`")
pytest.importorskip("uvicorn", reason="needs the extra `serve`")

ROOT = Path(__file__).resolve().parents[3]
BINARY = "application/octet-stream"


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def features_of(frames, as_numbers=False):
    """The features of a video in a request: base64 as recorded, or numbers dequantised."""
    parts = {"rgb": frames[:, :6], "audio": frames[:, 6:]}
    if as_numbers:
        return {name: dequantize(part).tolist() for name, part in parts.items()}
    return {name: base64.b64encode(part.tobytes()).decode() for name, part in parts.items()}


def request_of(*videos):
    return {"videos": [{"features": features} for features in videos]}


def scores_of(answer):
    """The scores by class of each video."""
    status, _, body = answer
    assert status == 200, body
    scores = np.zeros((len(body["predictions"]), 5), np.float32)
    for row, video in zip(scores, body["predictions"], strict=True):
        row[video["classes"]] = video["scores"]
    return scores


@pytest.fixture(scope="module")
def frames():
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (count, 8), np.uint8) for count in (7, 1, 12)]


@pytest.fixture
def expected(tiny_export, frames):
    """What the model gives of each video alone."""
    runtime = Runtime(f"{tiny_export()}/model.onnx")
    return np.concatenate(
        [runtime(dequantize(each)[None], np.array([len(each)], np.int32)) for each in frames]
    )


@pytest.mark.parametrize("as_numbers", [False, True])
def test_json_of_several_videos(serving, frames, expected, as_numbers):
    with serving() as client:
        body = request_of(*(features_of(each, as_numbers) for each in frames))
        np.testing.assert_allclose(
            scores_of(client.predict(body, query="?top_k=5")), expected, atol=1e-6
        )
        body["videos"][1]["id"] = "ä"
        found = client.predict(body)[2]["predictions"]
    assert [video["id"] for video in found] == ["", "ä", ""]
    assert found[1]["classes"] == np.argsort(-expected[1])[:2].tolist()
    assert found[1]["labels"] == [f"class {index}" for index in found[1]["classes"]]


def test_arrays_and_records(serving, frames, expected, videos, tmp_path):
    with serving() as client:

        def scores(body):
            return scores_of(client.predict(body, BINARY, "?top_k=5"))

        np.testing.assert_allclose(scores(npy(frames[0])), expected[:1], atol=1e-6)
        np.testing.assert_allclose(scores(npy(dequantize(frames[0]))), expected[:1], atol=1e-6)
        stacked = np.stack([frames[0], frames[2][:7]])
        np.testing.assert_allclose(scores(npy(stacked))[:1], expected[:1], atol=1e-6)
        write_records(tmp_path / "records", videos[2])
        status, _, answer = client.predict((tmp_path / "records").read_bytes(), BINARY)
    assert status == 200
    assert [video["id"].encode() for video in answer["predictions"]] == videos[0]


def test_videos_without_frames_and_features_of_videos(serving, tiny_export):
    with serving() as client:
        assert client.predict(request_of({"rgb": "", "audio": ""}))[0] == 200
    directory = tiny_export(frame_features=False)
    values = np.linspace(-1, 1, 8, dtype=np.float32)
    expected = Runtime(f"{directory}/model.onnx")(values[None], np.ones(1, np.int32))
    with serving(directory) as client:
        features = {"mean_rgb": values[:6].tolist(), "mean_audio": values[6:].tolist()}
        found = scores_of(client.predict(request_of(features), query="?top_k=5"))
        np.testing.assert_allclose(found, expected, atol=1e-6)
        found = scores_of(client.predict(npy(values), BINARY, "?top_k=5"))
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_embeddings(serving, tiny_export, frames, expected):
    with serving(tiny_export(kind="embedding")) as client:
        answer = client.predict(request_of(features_of(frames[0])))
    assert set(answer[2]["predictions"][0]) == {"id", "embedding"}
    np.testing.assert_allclose(answer[2]["predictions"][0]["embedding"], expected[0], atol=1e-6)


class Held:
    """A model that waits until it may go on."""

    def __init__(self, runtime):
        self.runtime = runtime
        self.runs = threading.Event()
        self.may_run = threading.Event()

    def __call__(self, *inputs):
        self.runs.set()
        self.may_run.wait(60)  # a test that fails lets it go
        return self.runtime(*inputs)


def wait_for(condition):
    while not condition():
        threading.Event().wait(0.005)


def repeat(call):
    while True:
        call()


def metric(client, line):
    found = re.search(rf"^{re.escape(line)} (\d+)$", client("GET", "/metrics")[2], re.M)
    return int(found[1]) if found else 0


def test_requests_share_batches(serving, frames, expected):
    """Nine requests while the model is busy with one: batches of 1, 4, 4 and 1."""
    with serving(max_batch=4, max_wait_ms=0.0) as client:
        held = client.server.app.endpoints["/predict"].runtime = Held(
            client.server.app.endpoints["/predict"].runtime
        )
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            bodies = [request_of(features_of(frames[index % 3])) for index in range(10)]
            first = pool.submit(client.predict, bodies[0], query="?top_k=5")
            held.runs.wait()
            answers = [pool.submit(client.predict, body, query="?top_k=5") for body in bodies[1:]]
            wait_for(lambda: metric(client, "yt8m_waiting_videos") == 9)
            held.may_run.set()
            answers = [answer.result() for answer in [first, *answers]]
        for index, answer in enumerate(answers):
            np.testing.assert_allclose(scores_of(answer)[0], expected[index % 3], atol=1e-6)
        assert metric(client, "yt8m_batch_videos_sum") == 10
        for bound, count in (("1", 2), ("2", 2), ("4", 4), ("+Inf", 4)):
            assert metric(client, f'yt8m_batch_videos_bucket{{le="{bound}"}}') == count
        assert metric(client, 'yt8m_requests_total{status="200"}') == 10


GOOD = {"rgb": [[0.0] * 6], "audio": [[0.0] * 2]}


@pytest.mark.parametrize(
    ("body", "content_type", "status", "message"),
    [
        (b"{}", "text/plain", 415, "Content-Type must be"),
        (b"{", "application/json", 400, "not JSON"),
        (b"\xff\xfe", "application/json", 400, "not JSON"),
        (b"[" * 100_000, "application/json", 400, "not JSON"),
        (b"9" * 10_000, "application/json", 400, "not JSON"),
        (b"[]", "application/json", 400, "the body must be an object with videos"),
        (b"{}", "application/json", 400, "the body lacks videos"),
        (b'{"videos": []}', "application/json", 400, "at least one video"),
        (b'{"videos": [3]}', "application/json", 400, r"videos\[0\] must be an object"),
        (request_of({**GOOD, "x": 1}), "application/json", 400, "x, which is not known"),
        (request_of({"rgb": [[0.0] * 6]}), "application/json", 400, "lacks audio"),
        (request_of({**GOOD, "rgb": [[0.0] * 5]}), "application/json", 400, "frames of 6 values"),
        (request_of({**GOOD, "rgb": [[0.0] * 6, [1]]}), "application/json", 400, "equal lengths"),
        (request_of({**GOOD, "rgb": [[0.0] * 6] * 2}), "application/json", 400, "equally many"),
        (request_of({**GOOD, "rgb": [["0"] * 6]}), "application/json", 400, "must be numbers"),
        (request_of({**GOOD, "rgb": None}), "application/json", 400, "must be numbers"),
        (request_of({**GOOD, "rgb": "a?"}), "application/json", 400, "not base64"),
        (request_of({**GOOD, "rgb": "AAAA"}), "application/json", 400, "3 bytes, not frames of 6"),
        (request_of({**GOOD, "rgb": [[1e300] * 6]}), "application/json", 400, "finite"),
        (json.dumps(request_of({**GOOD, "rgb": [[np.nan] * 6]})), "application/json", 400, "NaN"),
        (request_of(*[GOOD] * 65), "application/json", 413, "64 videos at most"),
        (b"junk", BINARY, 400, "the file ends within the record"),
        (npy(np.zeros((2, 9))), BINARY, 400, r"must be \(frames, 8\)"),
        (npy(np.zeros(8)), BINARY, 400, r"its shape is \(8,\)"),
        (npy(np.zeros((65, 1, 8))), BINARY, 413, "64 videos at most"),
        (npy(np.full((2, 8), np.inf)), BINARY, 400, "finite"),
        (npy(np.zeros((2, 8), complex)), BINARY, 400, "must be uint8 or floats"),
        (npy(np.zeros((2, 8)))[:-1], BINARY, 400, "other than the bytes of its shape"),
        (npy(np.zeros((2, 8))).replace(b"(2, 8)", b"(9**9,"), BINARY, 400, "cannot be read"),
        (b"\x93NUMPY\x01\x00\xff\xff{", BINARY, 400, "cannot be read"),
        (npy(np.zeros((2, 8))).replace(b"(2, 8), }    ", b"(9999999999,)}"), BINARY, 400, "array"),
    ],
)
def test_hostile_bodies_are_answered_with_the_reason(serving, body, content_type, status, message):
    with serving() as client:
        found, _, answer = client.predict(body, content_type)
        assert (found, list(answer)) == (status, ["error"])
        assert re.search(message, answer["error"])
        assert client.predict(request_of(GOOD))[0] == 200


def test_other_paths_methods_and_parameters(serving):
    with serving() as client:
        assert client("GET", "/predict")[0] == 405
        assert client("GET", "/nowhere")[0] == 404
        for text in ("0", "-1", "x", "", "1" * 5000, "%C2%B2"):
            assert client.predict(request_of(GOOD), query=f"?top_k={text}")[0] == 400
        assert len(client.predict(request_of(GOOD), query="?top_k=99")[2]["predictions"]) == 1
        assert client("GET", "/health")[::2] == (200, "alive\n")
        assert client("GET", "/ready")[::2] == (200, "ready\n")


def raw(client, content, timeout=60):
    """What comes back for bytes, until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", client.server.port), timeout=timeout) as connection:
        answer = b""
        with contextlib.suppress(ConnectionError):  # closed before it had all that was sent
            connection.sendall(content)
            while received := connection.recv(65536):
                answer += received
    return answer


HEAD = (
    b"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
)


def test_bodies_that_are_too_large(serving):
    with serving(max_body_mb=0.001) as client:
        said = raw(client, HEAD + b"Content-Length: 1000000000\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 413")
        chunks = b"400\r\n" + bytes(1024) + b"\r\n"
        said = raw(client, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 413")
        assert client.predict(request_of(GOOD))[0] == 200


def test_what_is_not_http(serving):
    with serving() as client:
        assert raw(client, b"\x16\x03\x01\x00\xa5\r\n\r\n").startswith(b"HTTP/1.1 400")
        assert b"200" not in raw(client, b"GET /health HTTP/1.1\r\nX: " + b"a" * 200_000)
        assert client.predict(request_of(GOOD))[0] == 200


def test_clients_that_never_finish_disturb_nobody(serving, monkeypatch):
    """A body that stops is answered (408); a head that stops is closed, without an answer."""
    monkeypatch.setattr("yt8m_models.export.serve.server._GRACE_SECONDS", 0.3)
    with serving(timeout_seconds=0.2) as client:
        assert raw(client, HEAD + b"Content-Length: 10\r\n\r\n{").startswith(b"HTTP/1.1 408")
        assert raw(client, b"POST /predict HT") == b""
        assert raw(client, b"") == b""
    with serving() as client:
        with socket.create_connection(("127.0.0.1", client.server.port)) as connection:
            connection.sendall(HEAD + b"Content-Length: 10\r\n\r\n{")
            wait_for(lambda: client.server.server_state.tasks)
            linger = struct.pack("ii", 1, 0)  # closed by a reset
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        wait_for(lambda: metric(client, 'yt8m_requests_total{status="499"}') == 1)
        assert client.predict(request_of(GOOD))[0] == 200


def test_too_many_that_wait_are_told_to_come_again(serving):
    with serving(max_waiting=1, max_videos=1, max_batch=1) as client:
        held = client.server.app.endpoints["/predict"].runtime = Held(
            client.server.app.endpoints["/predict"].runtime
        )
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = [pool.submit(client.predict, request_of(GOOD))]
            held.runs.wait()
            answers += [pool.submit(client.predict, request_of(GOOD)) for _ in range(7)]
            wait_for(lambda: sum(answer.done() for answer in answers) >= 6)
            held.may_run.set()
            statuses = sorted(answer.result()[0] for answer in answers)
            refused = [answer.result()[1] for answer in answers if answer.result()[0] == 503]
    assert statuses == [200] * 2 + [503] * 6
    assert all(headers["Retry-After"] == "1" for headers in refused)


def test_what_was_received_is_answered_when_it_stops_and_the_next_one_goes_on(
    serving, tiny_export, frames, expected
):
    """Ten requests are with the server when it is stopped; ten more find the next one."""
    bodies = [request_of(features_of(frames[index % 3])) for index in range(20)]
    directory = tiny_export()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        with serving(directory) as client:
            held = client.server.app.endpoints["/predict"].runtime = Held(
                client.server.app.endpoints["/predict"].runtime
            )
            answers = [pool.submit(client.predict, body, query="?top_k=5") for body in bodies[:10]]
            wait_for(lambda: len(client.server.server_state.tasks) == 10)
            wait_for(
                lambda: (
                    sum(
                        c.cycle is not None and not c.cycle.more_body
                        for c in client.server.server_state.connections
                    )
                    == 10
                )
            )
            client.server.should_exit = True
            wait_for(lambda: not client.server.app.is_ready)
            with pytest.raises(OSError, match=r"refused|reset"):
                repeat(lambda: client("GET", "/ready"))
            held.may_run.set()
        with serving(directory) as client:
            answers += [pool.submit(client.predict, body, query="?top_k=5") for body in bodies[10:]]
            answers = [answer.result() for answer in answers]
    for index, answer in enumerate(answers):
        np.testing.assert_allclose(scores_of(answer)[0], expected[index % 3], atol=1e-6)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_stops_by_a_signal_and_imports_no_tensorflow(tiny_export, number):
    program = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('tensorflow', 'keras', 'pandas', 'onnx')))\n"
        f"sys.argv = ['yt8m', 'serve', '--model={tiny_export()}', '--port=0']\n"
        "from yt8m_models.__main__ import run\n"
        "run()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        port = int(re.search(r"http://127\.0\.0\.1:(\d+)$", process.stdout.readline())[1])
        connection = socket.create_connection(("127.0.0.1", port), timeout=60)
        with connection:
            body = json.dumps(request_of(GOOD)).encode()
            connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            assert connection.recv(12) == b"HTTP/1.1 200"
        process.send_signal(number)
        assert process.wait() == 0
