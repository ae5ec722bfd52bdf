"""Names of weights, and what is refused of a file of them."""

import numpy as np
import pytest

from tests.hub.models import EACH, build
from yt8m_models.hub.weights import named_weights, read_weights, write_weights

safetensors = pytest.importorskip("safetensors.numpy", reason="needs the extra `hub`")


@pytest.mark.parametrize("name", EACH)
def test_every_weight_has_a_name_that_stays(name):
    model, _ = build(name)
    names = named_weights(model)
    assert sorted(map(id, names.values())) == sorted(map(id, model.weights))
    assert list(named_weights(build(name)[0])) == list(names)


def test_names_say_where_a_weight_is():
    names = named_weights(build("DSGMMModel")[0])
    assert {"pooling_0/means", "pooling_1/means", "hidden/kernel", "gating/gating_kernel"} <= set(
        names
    )
    assert {"pooling_0/assign/assignment_kernel", "input_batch_norm/moving_variance"} <= set(names)
    assert names["pooling_0/means"].shape == (4, 6)
    names = named_weights(build("annotation")[0])
    assert {"block_pca/mean_0", "block_pca/projection_1"} <= set(names)


def test_a_file_of_the_same_model_gives_its_weights(tmp_path):
    first, other = build("NetVLADModelLF")[0], build("NetVLADModelLF")[0]
    write_weights(first, tmp_path / "weights")
    for weight in other.weights:
        weight.assign(np.zeros(weight.shape))
    read_weights(other, tmp_path / "weights")
    for weight, expected in zip(other.weights, first.weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), expected.numpy(), weight.path)


def test_other_weights_are_refused(tmp_path):
    model, path = build("LogisticModel")[0], tmp_path / "weights"

    def refused(message, change):
        write_weights(model, path)
        arrays = safetensors.load_file(path)
        change(arrays)
        safetensors.save_file(arrays, path)
        with pytest.raises(ValueError, match=message) as error:
            read_weights(model, path)
        assert str(path) in str(error.value)

    def replace(dtype, shape):
        return lambda arrays: arrays.update({"classifier/bias": np.zeros(shape, dtype)})

    refused(
        "it lacks classifier/bias, and has besides nothing",
        lambda arrays: arrays.pop("classifier/bias"),
    )
    refused(
        "it lacks nothing, and has besides other", lambda arrays: arrays.update(other=np.zeros(2))
    )
    refused(
        r"classifier/bias must be F32 of the shape \(5,\); it is F32 of \(4,\)",
        replace("float32", 4),
    )
    refused("classifier/bias must be F32 .* it is F64", replace("float64", 5))


@pytest.mark.parametrize("content", [b"", b"no weights", None])
def test_a_damaged_file_is_refused(content, tmp_path):
    model, path = build("LogisticModel")[0], tmp_path / "weights"
    if content is None:
        write_weights(model, path)
        content = path.read_bytes()[:-3]
    path.write_bytes(content)
    with pytest.raises(ValueError, match="weights cannot be read"):
        read_weights(model, path)
    path.unlink()
    with pytest.raises(ValueError, match="weights cannot be read"):
        read_weights(model, path)
