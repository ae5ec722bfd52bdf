"""When tensorflow-io is loaded, what is said where it cannot be, and how a process then ends."""

import sys
import types

import pytest
import tensorflow as tf

from yt8m_models.data.patterns import match_files
from yt8m_models.storage import filesystems

EXTRA_PATHS = [
    "s3://bucket/train*.tfrecord",
    "http://127.0.0.1:9/train00.tfrecord",
    "https://127.0.0.1:9/train00.tfrecord",
    "hdfs://host/train*.tfrecord",
    "az://account/container/train*.tfrecord",
]
has_extra_schemes = "s3" in tf.io.gfile.get_registered_schemes()
without_extra = pytest.mark.skipif(has_extra_schemes, reason="tensorflow-io is already loaded")


@pytest.mark.parametrize(
    ("path", "scheme"),
    [("s3://b/k", "s3"), ("HTTPS://h/p", "https"), ("/a/b", ""), ("a:b", ""), ("gs://b", "gs")],
)
def test_scheme(path, scheme):
    assert filesystems.scheme(path) == scheme


@pytest.mark.parametrize("path", ["/data/train00.tfrecord", "train*", "gs://bucket/x", "file:///x"])
def test_other_paths_load_nothing(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_io", None)
    assert filesystems.require(path) is None


@without_extra
@pytest.mark.parametrize("path", EXTRA_PATHS)
@pytest.mark.parametrize("entry_point", [filesystems.require, match_files])
def test_missing_package_names_the_extra(path, entry_point, monkeypatch):
    """`None` in `sys.modules` makes the import fail as a package that is not installed does."""
    monkeypatch.setitem(sys.modules, "tensorflow_io", None)
    with pytest.raises(
        ValueError, match=r"not installed.*pip install 'yt8m-models\[io\]'"
    ) as error:
        entry_point(path)
    assert path in str(error.value)


@without_extra
def test_package_that_registers_no_scheme_does_not_fit(monkeypatch):
    """With TensorFlow 2.21, `import tensorflow_io` 0.37.1 warns and registers nothing."""
    monkeypatch.setitem(sys.modules, "tensorflow_io", types.ModuleType("tensorflow_io"))
    with pytest.raises(ValueError, match=rf"does not fit TensorFlow {tf.__version__}.*\[io\]"):
        filesystems.require("s3://bucket/x")


@without_extra
@pytest.mark.parametrize(
    "failure",
    [
        "raise NotImplementedError('undefined symbol: _ZN3tsl5mutex6unlockEv')",
        "raise ImportError('undefined symbol: _ZN3tsl5mutex6unlockEv')",
        "import tensorflow as tf; tf.load_op_library('undefined symbol.so')",
        "import a_package_that_is_undefined_symbol",
    ],
)
def test_package_whose_import_fails(failure, tmp_path, monkeypatch):
    (tmp_path / "tensorflow_io.py").write_text(failure)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tensorflow_io", raising=False)
    with pytest.raises(ValueError, match=r"cannot be loaded \(.*undefined.symbol.*\[io\]"):
        filesystems.require("s3://bucket/x")
