"""Dequantisation and L2 normalisation of the input."""

import numpy as np
import pytest
from keras import ops

from yt8m_models.layers import InputNormalization


def unit(x):
    return x / np.sqrt(np.maximum((x**2).sum(-1, keepdims=True), 1e-12))


@pytest.mark.parametrize("per_feature", [True, False])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_equals_the_formula(per_feature, dtype, rng, to_numpy):
    recorded = rng.integers(0, 256, (3, 5, 6)).astype(dtype)
    mask = np.arange(5) < np.array([5, 2, 0])[:, None]
    frames = recorded * (4 / 255) + (4 / 512 - 2) if dtype == "uint8" else recorded
    frames = np.where(mask[..., None], frames, 0)
    if per_feature:
        expected = np.concatenate([unit(frames[..., :4]), unit(frames[..., 4:])], axis=-1)
    else:
        expected = unit(frames)
    actual = to_numpy(InputNormalization((4, 2), per_feature=per_feature)(recorded, mask=mask))
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("per_feature", [True, False])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("num_frames", [[5, 2, 0], None])
def test_average_is_that_of_the_valid_frames(per_feature, dtype, num_frames, rng, to_numpy):
    recorded = rng.integers(0, 256, (3, 5, 6)).astype(dtype)
    mask = None if num_frames is None else np.arange(5) < np.array(num_frames)[:, None]
    layer = InputNormalization((4, 2), per_feature=per_feature)
    layer.build(recorded.shape)
    sums = to_numpy(layer(recorded, mask=mask)).sum(axis=1)
    counts = np.maximum([5] * 3 if num_frames is None else num_frames, 1)[:, None]
    found = to_numpy(layer.average(recorded, mask))
    np.testing.assert_allclose(found, sums / counts, rtol=1e-5, atol=1e-6)


def test_half_precision_rounds_the_result_alone(rng, to_numpy):
    frames = rng.normal(size=(2, 3, 6)).astype("float32")
    expected = ops.cast(InputNormalization((6,))(frames), "bfloat16")
    found = InputNormalization((6,), dtype="mixed_bfloat16")(frames)
    np.testing.assert_array_equal(to_numpy(found), to_numpy(expected))


def test_wrong_width():
    with pytest.raises(ValueError, match=r"feature_sizes=\(4, 2\) together, 6; received shape"):
        InputNormalization((4, 2))(np.zeros((2, 3, 7), "float32"))


def test_one_feature_by_itself_is_all_together(rng, to_numpy):
    frames = rng.normal(size=(2, 3, 6)).astype("float32")
    alone = InputNormalization((6,), per_feature=True)(frames)
    np.testing.assert_array_equal(to_numpy(alone), to_numpy(InputNormalization((6,))(frames)))
