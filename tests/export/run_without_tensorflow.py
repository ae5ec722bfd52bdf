"""Runs exported files on batches and prints how far they are from what was expected, as JSON.

python run_without_tensorflow.py FILES.json: a list of [directory, batches.npz], whose arrays are
`video_matrix_0`, `num_frames_0`, `expected_0`, …
"""

import json
import sys

import numpy as np
import onnxruntime
from ai_edge_litert.interpreter import Interpreter


def deviations(directory, path):
    arrays = np.load(path)
    session = onnxruntime.InferenceSession(f"{directory}/model.onnx")
    run = Interpreter(f"{directory}/model.tflite").get_signature_runner()
    found = {"onnx": [], "litert": []}
    for index in range(sum(name.startswith("expected") for name in arrays)):
        names = [name for name in ("video_matrix", "num_frames") if f"{name}_{index}" in arrays]
        inputs = {name: arrays[f"{name}_{index}"] for name in names}
        (from_litert,) = run(**inputs).values()
        for name, values in (("onnx", session.run(None, inputs)[0]), ("litert", from_litert)):
            found[name].append(float(np.max(np.abs(values - arrays[f"expected_{index}"]))))
    return {name: max(values) for name, values in found.items()}


if __name__ == "__main__":
    with open(sys.argv[1]) as listing:
        print(json.dumps([deviations(*each) for each in json.load(listing)]))
    assert "tensorflow" not in sys.modules
