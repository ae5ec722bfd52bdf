"""An Inception v3 that a package ships, as a file of weights.

The npm package `nsfwjs` (4.4.0, MIT) has a whole Inception v3 in 8 bits a weight, 22 MB. It is
tuned for another task than ImageNet's, and so its features are neither ImageNet's nor YouTube-8M's;
they do tell pictures apart, which is what samples and tests need:

    npm pack nsfwjs@4.4.0
    python -c "from yt8m_models.samples.inception_weights import write_weights
    write_weights('nsfwjs-4.4.0.tgz', 'inception_v3.npz')"
"""

import base64
import math
import re
from typing import NamedTuple

import keras
import numpy as np

from yt8m_models.storage.archives import read_members
from yt8m_models.storage.array_archive import write_arrays

_FOLDER = "package/dist/models/inception_v3/"
_SHARDS = 6
_NUMBER = r"-?[\d.]+(?:e-?\d+)?"
_WEIGHT = re.compile(
    rf'name:"(?P<layer>\w+)/(?P<part>\w+)",shape:\[(?P<shape>[\d,]+)\],dtype:"float32",'
    rf'quantization:\{{min:(?P<min>{_NUMBER}),scale:(?P<scale>{_NUMBER}),dtype:"uint8"\}}'
)
_BASE64 = re.compile(r'"([A-Za-z0-9+/]{1000,}={0,2})"')
_PARTS = ("kernel", "beta", "moving_mean", "moving_variance")  # in Keras' order within a layer


class Weight(NamedTuple):
    """A weight of the package.

    Attributes:
        kind, number: of its layer, such as `conv2d` and 12.
        part: of the layer, such as `kernel`.
        value: float32.
    """

    kind: str
    number: int
    part: str
    value: np.ndarray


def inception_v3(package: str) -> keras.Model:
    """`keras.applications.InceptionV3` without its classifier, with the weights of the package.

    Args:
        package: the path of `nsfwjs-4.4.0.tgz`, as `npm pack` downloads it.

    Raises:
        ValueError: the file is not that package.
    """
    found: dict[str, list[Weight]] = {"conv2d": [], "batch_normalization": []}
    for weight in read_weights(package):
        if weight.kind in found:
            found[weight.kind].append(weight)
    model = keras.applications.InceptionV3(weights=None, include_top=False, pooling="avg")
    # Layers are numbered in the order in which they were made, which is the same in both.
    layers = sorted(model.layers, key=lambda layer: _kind_and_number(layer.name))
    for kind, weights in found.items():
        wanted = [w for x in layers if _kind_and_number(x.name)[0] == kind for w in x.weights]
        weights.sort(key=lambda weight: (weight.number, _PARTS.index(weight.part)))
        values = [weight.value for weight in weights]
        if [value.shape for value in values] != [tuple(weight.shape) for weight in wanted]:
            raise ValueError(f"{package}: its weights of {kind} are not those of Inception v3")
        for weight, value in zip(wanted, values, strict=True):
            weight.assign(value)
    return model


def write_weights(package: str, path: str) -> None:
    """Writes the weights of `inception_v3(package)` in order, for `--rgb_weights`.

    Args:
        package: see `inception_v3`.
        path: ends in `.npz`.

    Raises:
        ValueError: the package is not what it should be.
    """
    weights = inception_v3(package).get_weights()
    write_arrays(path, {f"arr_{index}": weight for index, weight in enumerate(weights)})


def read_weights(package: str) -> list[Weight]:
    """All weights of the package, the classifier's too: `uint8 * scale + min`.

    Raises:
        ValueError: the file is not that package.
    """
    try:
        with open(package, "rb") as file:
            members = read_members(file, lambda name: name.startswith(_FOLDER))
        listing = _text(members, "model").partition("weightsManifest:")[2]
        shards = [_text(members, f"group1-shard{i}of{_SHARDS}") for i in range(1, _SHARDS + 1)]
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"{package} is not the npm package nsfwjs 4.4.0: {error}") from error
    content = b"".join(
        base64.b64decode(text) for shard in shards for text in _BASE64.findall(shard)
    )
    weights, start = [], 0
    for match in _WEIGHT.finditer(listing):
        shape = tuple(map(int, match["shape"].split(",")))
        steps = np.frombuffer(content, np.uint8, math.prod(shape), start).reshape(shape)
        start += steps.size
        value = steps * np.float32(match["scale"]) + np.float32(match["min"])
        weights.append(Weight(*_kind_and_number(match["layer"]), match["part"], value))
    if start != len(content):
        raise ValueError(f"{package} must have {start} bytes of weights; it has {len(content)}")
    return weights


def _text(members: dict[str, bytes], name: str) -> str:
    return members[f"{_FOLDER}{name}.min.js"].decode()


def _kind_and_number(name: str) -> tuple[str, int]:
    """`conv2d_12` as its kind and number; the first of a kind may have no number."""
    kind, _, number = name.rpartition("_")
    return (kind, int(number)) if number.isdecimal() else (name, 0)
