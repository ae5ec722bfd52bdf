"""What the directory of a UBM holds.

ubm.json             settings, and for each UBM its frames and its log-likelihood by iteration
<name>.npz           weights, means and covariance of the UBM of a feature (rgb.npz, audio.npz), or
                     of all features together (rgb_audio.npz)
log_likelihood.png   the log-likelihood by iteration, where matplotlib is installed
statistics.npz       sums over all frames that no iteration changes, and a sample of the frames
checkpoint.npz       where training resumes
"""

from yt8m_models import __version__
from yt8m_models.gmm.ubm import UBM
from yt8m_models.storage.array_archive import read_arrays
from yt8m_models.storage.artifact_dir import ArtifactDir
from yt8m_models.storage.whole_file import join

UBM_DIR = ArtifactDir(
    "ubm.json", ("ubm",), "a UBM", "yt8m train-ubm", __version__, {"settings": dict, "ubms": dict}
)
CURVE = "log_likelihood.png"
STATISTICS = "statistics.npz"
CHECKPOINT = "checkpoint.npz"


def load_ubm(ubm_dir: str, name: str) -> UBM:
    """The UBM of a feature, or of all features together (`ubm_names`).

    Raises:
        ValueError: there is no such UBM, or its file cannot be read.
    """
    names = UBM_DIR.read(ubm_dir)["ubms"]
    if name not in names:
        raise ValueError(f"no UBM {name!r} in {ubm_dir}; there are {', '.join(names)}")
    path = join(ubm_dir, f"{name}.npz")
    arrays = read_arrays(path)
    try:
        return UBM(**arrays)
    except TypeError:
        raise ValueError(f"{path} is not a UBM; it has {', '.join(arrays) or 'nothing'}") from None


def ubm_names(feature_names: tuple[str, ...], pool_per_feature: bool) -> tuple[str, ...]:
    """The UBMs of a model: one a feature, or one for all of them."""
    return tuple(feature_names) if pool_per_feature else ("_".join(feature_names),)
