"""A stock client of TensorFlow Serving's gRPC protocol, and a server that speaks it.

The server answers as TensorFlow Serving does, with the signatures that the session loader gives.
"""

import contextlib
from concurrent import futures

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.data.quantization import dequantize
from yt8m_models.export.saved_model import SavedModelSession

grpc = pytest.importorskip("grpc", reason="needs the extra `dev`")
pytest.importorskip("tensorflow_serving", reason="needs the extra `dev`")

from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc  # noqa: E402

NAME = "yt8m"
VERSION = 1


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers `Predict` and `GetModelMetadata` of one model."""

    def __init__(self, session):
        self.session = session

    def Predict(self, request, context):
        self._require_name(request, context)
        name = request.model_spec.signature_name or "serving_default"
        if name not in self.session.signatures:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"no signature {name}")
        inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        if wrong := set(self.session.signatures[name].inputs) ^ set(inputs):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"inputs differ: {sorted(wrong)}")
        response = predict_pb2.PredictResponse(model_spec=self._spec(name))
        for key, values in self.session(name, inputs).items():
            response.outputs[key].CopyFrom(tf.make_tensor_proto(values))
        return response

    def GetModelMetadata(self, request, context):
        self._require_name(request, context)
        if list(request.metadata_field) != ["signature_def"]:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "metadata_field must be signature_def")
        signatures = get_model_metadata_pb2.SignatureDefMap(
            signature_def=dict(self.session.signatures)
        )
        response = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=self._spec())
        response.metadata["signature_def"].Pack(signatures)
        return response

    def _require_name(self, request, context):
        if request.model_spec.name != NAME:
            context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found for request")

    def _spec(self, signature=""):
        spec = predict_pb2.PredictResponse().model_spec
        spec.name, spec.signature_name = NAME, signature
        spec.version.value = VERSION
        return spec


@contextlib.contextmanager
def serving(directory):
    """Serves the SavedModel of an export; the address."""
    with SavedModelSession(f"{directory}/saved_model") as session:
        server = grpc.server(futures.ThreadPoolExecutor(1))
        service = PredictionService(session)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
        port = server.add_insecure_port("localhost:0")
        server.start()
        try:
            yield f"localhost:{port}"
        finally:
            server.stop(None).wait()


class Client:
    """A stub of the service, with NumPy's arrays."""

    def __init__(self, address):
        self.channel = grpc.insecure_channel(address)
        self.stub = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)

    def predict(self, signature, name=NAME, **inputs):
        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = name, signature
        for key, values in inputs.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(values))
        response = self.stub.Predict(request, timeout=60)
        return {key: tf.make_ndarray(value) for key, value in response.outputs.items()}

    def signatures(self):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = NAME
        response = self.stub.GetModelMetadata(request, timeout=60)
        found = get_model_metadata_pb2.SignatureDefMap()
        assert response.metadata["signature_def"].Unpack(found)
        return found.signature_def


def inputs_of(frames):
    """Inputs of videos, with noise behind their frames."""
    num_frames = np.array([len(each) for each in frames], np.int32)
    video_matrix = np.full((len(frames), num_frames.max(), 8), 77, np.uint8)
    for row, each in zip(video_matrix, frames, strict=True):
        row[: len(each)] = each
    return {"video_matrix": video_matrix, "num_frames": num_frames}


@pytest.fixture(scope="module")
def frame_level(classifier, export_to_new):
    """An export of a frame-level model, a client of its server, and the model."""
    trained = classifier("FrameLevelLogisticModel")
    directory, _ = export_to_new(trained, top_k=3)
    with serving(directory) as address:
        client = Client(address)
        with client.channel:
            yield directory, address, client, trained.model


def test_records_give_the_ids_and_the_best_classes(frame_level, videos):
    _, _, client, model = frame_level
    ids, frames, records = videos
    expected = np.concatenate([model(inputs_of([each[:300]])) for each in frames])
    found = client.predict("", example_bytes=records)
    order = np.argsort(-expected, axis=1)[:, :3]
    assert found["video_id"].tolist() == ids
    np.testing.assert_array_equal(found["class_indexes"], order)
    best = np.take_along_axis(expected, order, axis=1)
    np.testing.assert_allclose(found["predictions"], best, atol=1e-6)


def test_frames_give_all_predictions(frame_level, videos):
    _, _, client, model = frame_level
    inputs = inputs_of(videos[1])
    expected = model(inputs)
    found = client.predict("quantized_features", **inputs)
    np.testing.assert_allclose(found["predictions"], expected, atol=1e-6)
    inputs["video_matrix"] = dequantize(inputs["video_matrix"])
    found = client.predict("features", **inputs)
    np.testing.assert_allclose(found["predictions"], expected, atol=1e-6)


def test_the_metadata_tell_every_signature(frame_level):
    _, _, client, _ = frame_level
    shapes = {
        name: {
            key: (tf.as_dtype(info.dtype).name, [each.size for each in info.tensor_shape.dim])
            for key, info in [*signature.inputs.items(), *signature.outputs.items()]
        }
        for name, signature in client.signatures().items()
        if not name.startswith("__")
    }
    of_features = {"num_frames": ("int32", [-1]), "predictions": ("float32", [-1, 5])}
    assert shapes == {
        "serving_default": {
            "example_bytes": ("string", [-1]),
            "video_id": ("string", [-1]),
            "class_indexes": ("int32", [-1, 3]),
            "predictions": ("float32", [-1, 3]),
        },
        "features": {"video_matrix": ("float32", [-1, -1, 8]), **of_features},
        "quantized_features": {"video_matrix": ("uint8", [-1, -1, 8]), **of_features},
    }


def test_what_the_model_does_not_take_is_an_error_of_the_protocol(frame_level, videos):
    _, _, client, _ = frame_level
    for name, signature, status in (
        ("other", "", grpc.StatusCode.NOT_FOUND),
        (NAME, "nothing", grpc.StatusCode.INVALID_ARGUMENT),
        (NAME, "features", grpc.StatusCode.INVALID_ARGUMENT),
    ):
        with pytest.raises(grpc.RpcError) as error:
            client.predict(signature, name, example_bytes=videos[2])
        assert error.value.code() == status


def test_video_level_embeddings(tower, export_to_new, video_records):
    features, records = video_records
    trained = tower("late")
    expected = trained.model({"video_matrix": features})
    directory, _ = export_to_new(trained)
    with serving(directory) as address:
        client = Client(address)
        with client.channel:
            from_records = client.predict("serving_default", example_bytes=records)
            from_features = client.predict("features", video_matrix=features)
    assert from_records["video_id"].tolist() == [b"dddd", b"eeee"]
    np.testing.assert_allclose(from_records["embeddings"], expected, atol=1e-6)
    np.testing.assert_allclose(from_features["embeddings"], expected, atol=1e-6)


def test_the_client_of_the_page(frame_level, page_example, monkeypatch):
    directory, address, _, _ = frame_level
    monkeypatch.chdir(directory.parent)
    variables = {}
    exec(page_example("gRPC").replace("localhost:8500", address), variables)
    expected = variables["check"]["predictions"]
    assert variables["video_ids"].tolist() == [b"c000", b"c001", b"c002", b"c003"]
    np.testing.assert_array_equal(variables["classes"], np.argsort(-expected, axis=1)[:, :3])
    best = -np.sort(-expected, axis=1)[:, :3]
    np.testing.assert_allclose(variables["scores"], best, atol=1e-6)
