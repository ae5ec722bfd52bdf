"""Tests of yt8m_models.extraction.pca: the three formats, against their formulas."""

import io
import struct
import tarfile

import numpy as np
import pytest

from yt8m_models.extraction.matrix_data import parse_matrix
from yt8m_models.extraction.pca import PCA, PCA_DIR, read_pca, write_pca
from yt8m_models.extraction.streaming_pca import Components

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(7, 12)).astype(np.float32)


def youtube8m_arrays(size=12, rows=12):
    """As in YouTube-8M's archive: eigenvectors are rows."""
    vectors = np.linalg.qr(RNG.normal(size=(size, size)))[0][:rows]
    return {
        "mean": RNG.normal(size=(size, 1)),
        "eigenvals": np.sort(RNG.uniform(0, 3, size=(rows, 1)), axis=0)[::-1],
        "eigenvecs": vectors,
    }


def write_folder(path, arrays):
    path.mkdir()
    for name, array in arrays.items():
        np.save(path / f"{name}.npy", array)
    return path


def youtube8m_formula(features, arrays, components):
    """The lines of YouTube-8M's own extractor."""
    mean = arrays["mean"][:, 0]
    variances = arrays["eigenvals"][:components, 0]
    vectors = arrays["eigenvecs"].T[:, :components]
    return (features - mean) @ vectors / np.sqrt(variances + 1e-4)


def message(matrix, layout=None, packed=True):
    """A serialized MatrixData; a varint of a small number is itself."""
    rows, cols = matrix.shape
    values = matrix.astype("<f4").ravel("C" if layout == 1 else "F")
    assert rows < 128
    assert cols < 128
    data = values.tobytes()
    if packed:
        size = bytes([len(data) & 0x7F | 0x80, len(data) >> 7])
        floats = b"\x1a" + size + data
    else:
        floats = b"".join(b"\x1d" + struct.pack("<f", value) for value in values)
    end = b"" if layout is None else bytes([0x20, layout])
    return bytes([0x08, rows, 0x10, cols]) + floats + end


def test_a_folder_of_youtube8m(tmp_path):
    arrays = youtube8m_arrays()
    pca = read_pca(write_folder(tmp_path / "yt8m_pca", arrays))
    assert (pca.input_size, pca.size, pca.kind) == (12, 12, "youtube8m")
    received = pca(FEATURES)
    assert received.dtype == np.float32
    np.testing.assert_allclose(received, youtube8m_formula(FEATURES, arrays, 12), rtol=1e-4)
    five = read_pca(tmp_path / "yt8m_pca", components=5)
    np.testing.assert_allclose(five(FEATURES), received[:, :5], rtol=1e-6, atol=1e-6)


def test_the_first_1024_components_of_youtube8m(tmp_path):
    arrays = youtube8m_arrays(1030, 1030)
    features = RNG.normal(size=(3, 1030)).astype(np.float32)
    pca = read_pca(write_folder(tmp_path / "yt8m_pca", arrays))
    assert pca(features).shape == (3, 1024)
    np.testing.assert_allclose(
        pca(features), youtube8m_formula(features, arrays, 1024), rtol=1e-3, atol=1e-4
    )
    assert read_pca(tmp_path / "yt8m_pca", components=1030).size == 1030


@pytest.mark.parametrize("inner", ["", "yt8m_pca/", "./"])
def test_the_archive_of_youtube8m_is_its_folder(tmp_path, inner):
    arrays = youtube8m_arrays()
    folder = write_folder(tmp_path / "pca", arrays)
    with tarfile.open(tmp_path / "yt8m_pca.tgz", "w:gz") as tar:
        tar.add(folder, arcname=inner or ".", recursive=False)
        for name in arrays:
            tar.add(folder / f"{name}.npy", arcname=f"{inner}{name}.npy")
    assert read_pca(tmp_path / "yt8m_pca.tgz").settings == read_pca(folder).settings


@pytest.mark.parametrize(
    "named", ["", "vggish_mean_matrix_data.pb", "vggish_projection_matrix_data.pb"]
)
def test_the_pair_of_mediapipe(tmp_path, named):
    mean, projection = RNG.normal(size=(12, 1)), RNG.normal(size=(5, 12))
    (tmp_path / "vggish_mean_matrix_data.pb").write_bytes(message(mean))
    (tmp_path / "vggish_projection_matrix_data.pb").write_bytes(message(projection))
    pca = read_pca(tmp_path / named)
    assert (pca.size, pca.kind) == (5, "mediapipe")
    expected = (projection @ (FEATURES.T - mean)).T
    np.testing.assert_allclose(pca(FEATURES), expected, rtol=1e-4, atol=1e-5)


def test_mediapipe_files_that_are_no_pair_are_refused(tmp_path):
    mean = tmp_path / "inception3_mean_matrix_data.pb"
    mean.write_bytes(message(np.zeros((12, 1))))
    with pytest.raises(ValueError, match=r"inception3_projection_matrix_data\.pb is missing"):
        read_pca(mean)
    (tmp_path / "vggish_mean_matrix_data.pb").write_bytes(message(np.zeros((12, 1))))
    with pytest.raises(ValueError, match="those of inception3 and vggish: name a file"):
        read_pca(tmp_path)
    (tmp_path / "inception3_projection_matrix_data.pb").write_bytes(b"\x08\x01\x10")
    with pytest.raises(ValueError, match=r"inception3_projection.*\.pb: .* ends within a number"):
        read_pca(mean)


@pytest.mark.parametrize(("layout", "packed"), [(None, True), (0, True), (1, True), (None, False)])
def test_matrix_data(layout, packed):
    matrix = np.arange(33 * 2).reshape(33, 2)
    received = parse_matrix(message(matrix, layout, packed))
    assert received.dtype == np.float32
    np.testing.assert_array_equal(received, matrix)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "0 rows and 0 columns"),
        (message(np.zeros((20, 2)))[:-1], "ends within its field 3"),
        (
            bytes([0x08, 3]) + message(np.zeros((20, 2)))[2:],
            "3 rows and 2 columns in layout 0 with 160",
        ),
        (message(np.zeros((20, 2)), layout=2), "layout 2"),
        (b"\x93NUMPY", "begins with b'.x93NUMPY'"),
        (b"\x0a\x01a", "field 1 of another type"),
        (b"\x08" + b"\xff" * 12, "ends within a number"),
    ],
)
def test_what_is_no_matrix_data_is_refused(content, error):
    with pytest.raises(ValueError, match=error):
        parse_matrix(content)


def test_the_parameters_of_audioset(tmp_path):
    vectors, means = RNG.normal(size=(12, 12)), RNG.normal(size=(12, 1))
    np.savez(tmp_path / "vggish_pca_params.npz", pca_eigen_vectors=vectors, pca_means=means)
    pca = read_pca(tmp_path / "vggish_pca_params.npz")
    assert pca.kind == "audioset"
    # As AudioSet's postprocessor, before it clips and quantises
    expected = np.dot(vectors, FEATURES.T - means).T
    np.testing.assert_allclose(pca(FEATURES), expected, rtol=1e-4, atol=1e-5)


def test_written_components_are_read_with_their_formula(tmp_path):
    arrays = youtube8m_arrays(12, 6)
    fitted = Components(arrays["mean"][:, 0], arrays["eigenvecs"], arrays["eigenvals"][:, 0])
    written = write_pca(fitted, PCA_DIR.prepare(tmp_path / "pca"), {"rows": 70})
    pca = read_pca(tmp_path / "pca")
    assert pca.settings == written.settings
    assert (pca.size, pca.input_size) == (6, 12)
    np.testing.assert_allclose(pca(FEATURES), youtube8m_formula(FEATURES, arrays, 6), rtol=1e-4)
    for name, array in arrays.items():  # as YouTube-8M's own program reads them
        np.testing.assert_array_equal(np.load(tmp_path / "pca" / f"{name}.npy"), array)
    np.save(tmp_path / "pca" / "mean.npy", np.zeros((12, 1)))
    with pytest.raises(ValueError, match=r"mean\.npy is not what yt8m fit-pca wrote there"):
        read_pca(tmp_path / "pca")


def test_a_fitted_pca_of_more_than_1024_components_keeps_them(tmp_path):
    arrays = youtube8m_arrays(1030, 1030)
    fitted = Components(arrays["mean"][:, 0], arrays["eigenvecs"], arrays["eigenvals"][:, 0])
    assert write_pca(fitted, PCA_DIR.prepare(tmp_path / "pca"), {}).size == 1030
    with tarfile.open(tmp_path / "pca.tgz", "w:gz") as tar:
        tar.add(tmp_path / "pca", arcname="pca")
    assert read_pca(tmp_path / "pca.tgz").size == 1030


def test_settings_tell_one_pca_from_another():
    mean, projection = RNG.normal(size=12), RNG.normal(size=(5, 12))
    settings = PCA(mean, projection, "mediapipe").settings
    assert settings == PCA(mean.copy(), projection.copy(), "mediapipe").settings
    assert {name: settings[name] for name in ("kind", "input_size", "size")} == {
        "kind": "mediapipe",
        "input_size": 12,
        "size": 5,
    }
    projection[4, 11] += 1e-3
    assert settings["sha256"] != PCA(mean, projection, "mediapipe").settings["sha256"]


def test_a_pca_refuses_what_does_not_fit():
    pca = PCA(np.zeros(12), np.ones((5, 12)), "mediapipe")
    assert pca(np.zeros((0, 12))).shape == (0, 5)
    for shape in ((12,), (3, 11)):
        with pytest.raises(ValueError, match=r"of the shape \(n, 12\); received"):
            pca(np.zeros(shape))
    with pytest.raises(ValueError, match=r"received \(12,\) and \(5, 11\)"):
        PCA(np.zeros(12), np.ones((5, 11)), "mediapipe")
    with pytest.raises(ValueError, match="must be finite"):
        PCA(np.full(12, np.nan), np.ones((5, 12)), "mediapipe")


def tgz():
    """An archive of something else."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        member = tarfile.TarInfo("yt8m_pca/readme")
        member.size = 5000
        tar.addfile(member, io.BytesIO(RNG.bytes(5000)))
    return file.getvalue()


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        (
            "pca.npz",
            npz(pca_means=np.zeros(3)),
            "lacks the array 'pca_eigen_vectors'; it has pca_means",
        ),
        ("pca.npz", b"PK", r"pca\.npz cannot be read"),
        ("pca.tgz", b"no archive", r"pca\.tgz: cannot be read"),
        ("pca.tgz", b"", r"pca\.tgz: cannot be read"),
        ("pca.tgz", tgz()[:2500], r"pca\.tgz: cannot be read"),
        ("pca.tgz", tgz(), r"pca\.tgz: mean\.npy cannot be read: it is missing"),
        ("pca.pickle", b"", r"pca\.pickle: a PCA is a directory or a \.tgz"),
        ("nothing.npz", None, r"nothing\.npz: there is no such file"),
    ],
)
def test_files_that_are_no_pca_are_refused(tmp_path, name, content, error):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=error):
        read_pca(tmp_path / name)


def test_damaged_folders_are_refused(tmp_path):
    arrays = youtube8m_arrays()
    folder = write_folder(tmp_path / "pca", arrays)
    with pytest.raises(ValueError, match=r"it has 12 components; .* received 13"):
        read_pca(folder, components=13)
    np.save(folder / "eigenvals.npy", arrays["eigenvals"][:3])
    with pytest.raises(ValueError, match=r"each of the 12 vectors of eigenvecs\.npy; it has 3"):
        read_pca(folder)
    np.save(folder / "eigenvals.npy", arrays["eigenvals"][:, 0])
    with pytest.raises(ValueError, match=r"they are \(12, 1\), \(12,\) and \(12, 12\)"):
        read_pca(folder)
    (folder / "eigenvals.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(ValueError, match=r"pca: eigenvals\.npy cannot be read"):
        read_pca(folder)
    (folder / "eigenvals.npy").unlink()
    with pytest.raises(ValueError, match=r"pca: eigenvals\.npy cannot be read: it is missing"):
        read_pca(folder)
    with pytest.raises(ValueError, match=r"has mean\.npy, or one .*; it has neither"):
        read_pca(tmp_path)
