"""Requests to an exported model by HTTP, on the loopback, as many as the server can answer."""

import base64
import http.client
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks.export import export_fresh
from benchmarks.figure import Figure
from benchmarks.process import in_own_process
from benchmarks.step_limit import DATA
from benchmarks.timing import in_turn
from yt8m_models.data.quantization import dequantize
from yt8m_models.export.runtime import Runtime

_ROOT = Path(__file__).resolve().parents[1]
_NUM_CLIENTS = 32
_NUM_REQUESTS = 8  # of each client
_NUM_FRAMES = 300
_BATCH_SIZE = 32


def figures(workdir: Path) -> list[Figure]:
    """Requests/s and their 99th percentile with 32 clients, and the former over the model alone.

    A request is a video of 300 frames, 460 KB in JSON. The server is a process, the clients are
    another one, which takes its share of the cores; the model alone runs on batches of 32.
    """
    directory = workdir / "exported"
    in_own_process(export_fresh, str(directory), ("onnx",))
    alone = _BATCH_SIZE / in_own_process(_seconds_of_batch, str(directory / "model.onnx"))
    command = [sys.executable, "-m", "yt8m_models", "serve", f"--model={directory}", "--port=0"]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as server:
        port = int(server.stdout.readline().rpartition(":")[2])
        try:
            in_own_process(_latencies, port)  # warms it up
            start_to_end, seconds = in_own_process(_latencies, port)
        finally:
            server.terminate()
    speed = len(seconds) / start_to_end
    return [
        Figure("serving on the loopback, 32 clients", speed, unit="requests/s"),
        Figure("its 99th percentile", 1000 * float(np.quantile(seconds, 0.99)), unit="ms"),
        Figure(
            "its requests over videos of the model alone",
            speed / alone,
            detail={"videos_per_second_alone": alone},
        ),
    ]


def _seconds_of_batch(path: str) -> float:
    runtime = Runtime(path)
    video_matrix = dequantize(np.stack([_frames()] * _BATCH_SIZE))
    num_frames = np.full(_BATCH_SIZE, _NUM_FRAMES, np.int32)
    ((*seconds,),) = in_turn(3, lambda: runtime(video_matrix, num_frames))
    return min(seconds)


def _latencies(port: int) -> tuple[float, list[float]]:
    """Seconds of all requests together, and of each."""
    features, seconds = {}, []
    ends = np.cumsum(DATA.feature_sizes)[:-1]
    for name, part in zip(DATA.feature_names, np.split(_frames(), ends, axis=1), strict=True):
        features[name] = base64.b64encode(part.tobytes()).decode()
    body = json.dumps({"videos": [{"features": features}]}).encode()

    def send() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for _ in range(_NUM_REQUESTS):
            start = time.perf_counter()
            connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise ValueError(f"the server answered {answer.status}")
            seconds.append(time.perf_counter() - start)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(_NUM_CLIENTS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start, seconds


def _frames() -> np.ndarray:
    shape = (_NUM_FRAMES, sum(DATA.feature_sizes))
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)
