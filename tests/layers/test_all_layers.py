"""One check for every layer: its configuration, saving, precision, sizes, mask and gradients."""

import inspect
import warnings

import keras
import numpy as np
import pytest
from keras import ops

from yt8m_models import layers

FEATURES = 6
COUPLED = ("uniform_priors", "shared_spherical", "spherical", "shared_diagonal", "diagonal")
FRAME_LAYERS = {
    "average": lambda **kwargs: layers.AveragePooling(**kwargs),
    "max": lambda **kwargs: layers.MaxPooling(**kwargs),
    "assignment": lambda **kwargs: layers.DecoupledAssignment(3, batch_norm=False, **kwargs),
    "assignment_bn": lambda **kwargs: layers.DecoupledAssignment(3, **kwargs),
    **{
        f"assignment_{name}": lambda name=name, **kwargs: layers.CoupledAssignment(
            3, name, **kwargs
        )
        for name in COUPLED
    },
    "netbow": lambda **kwargs: layers.NetBoW(3, **kwargs),
    "netbow_coupled": lambda **kwargs: layers.NetBoW(3, "diagonal", final_norm=False, **kwargs),
    "netrvlad": lambda **kwargs: layers.NetRVLAD(3, **kwargs),
    "netrvlad_coupled": lambda **kwargs: layers.NetRVLAD(3, "shared_diagonal", **kwargs),
    "vlagd": lambda **kwargs: layers.VLAGD(3, **kwargs),
    "vlagd_coupled": lambda **kwargs: layers.VLAGD(3, "uniform_priors", **kwargs),
    "netfv": lambda **kwargs: layers.NetFV(3, **kwargs),
    "netfv_couple_weights": lambda **kwargs: layers.NetFV(
        3, batch_norm=False, couple_weights=True, coupling_factor=0.3, **kwargs
    ),
    "netfv_coupled": lambda **kwargs: layers.NetFV(3, "spherical", **kwargs),
    "netvlad": lambda **kwargs: layers.NetVLAD(3, **kwargs),
    "netvlad_coupled": lambda **kwargs: layers.NetVLAD(3, "shared_spherical", **kwargs),
    "netvlad_plain": lambda **kwargs: layers.NetVLAD(
        3, intra_norm=False, final_norm=False, batch_norm=False, **kwargs
    ),
    "dsgmm": lambda **kwargs: layers.DSGMM(3, **kwargs),
    "dsgmm_plain": lambda **kwargs: layers.DSGMM(
        3, gamma=2.0, intra_norm=False, final_norm=True, batch_norm=False, **kwargs
    ),
    "dsgmm_coupled": lambda **kwargs: layers.DSGMM(3, 0.5, "diagonal", **kwargs),
    "dsgmm_weights": lambda **kwargs: layers.DSGMM(3, statistics=("weights",), **kwargs),
    "dsgmm_all": lambda **kwargs: layers.DSGMM(
        3, 0.5, statistics=("covariances", "weights", "means"), gamma_weights=2.0, **kwargs
    ),
    "dsgmm_all_coupled": lambda **kwargs: layers.DSGMM(
        3, 0.5, "shared_diagonal", statistics=("weights", "means", "covariances"), **kwargs
    ),
    "dsgmm_full": lambda **kwargs: layers.DSGMM(
        *(3, 0.5),
        statistics=("covariances", "means"),
        covariances="full",
        gamma_means=1.0,
        **kwargs,
    ),
    "dsgmm_full_coupled": lambda **kwargs: layers.DSGMM(
        3, 0.5, "spherical", statistics=("covariances",), covariances="full", **kwargs
    ),
    "dbof": lambda **kwargs: layers.DBoF(5, **kwargs),
    "dbof_average": lambda **kwargs: layers.DBoF(
        5, activation="sigmoid", pooling_method="average", batch_norm=False, **kwargs
    ),
    "soft_dbof": lambda **kwargs: layers.SoftDBoF(5, **kwargs),
    "soft_dbof_max": lambda **kwargs: layers.SoftDBoF(5, max_pool=True, batch_norm=False, **kwargs),
    "gated_dbof": lambda **kwargs: layers.GatedDBoF(5, **kwargs),
    "gated_dbof_plain": lambda **kwargs: layers.GatedDBoF(5, batch_norm=False, **kwargs),
    "nextvlad": lambda **kwargs: layers.NeXtVLAD(3, groups=4, **kwargs),
    "nextvlad_plain": lambda **kwargs: layers.NeXtVLAD(
        3, groups=2, expansion=1, batch_norm=False, **kwargs
    ),
    "attention": lambda **kwargs: layers.SelfAttentionPooling(2, attention_size=4, **kwargs),
    "feature_attention": lambda **kwargs: layers.FeatureAttentionPooling(3, **kwargs),
    "network": lambda **kwargs: layers.FrameNetwork((5, 4), **kwargs),
    "network_plain": lambda **kwargs: layers.FrameNetwork((3,), batch_norm=False, **kwargs),
    "lstm": lambda **kwargs: layers.LSTMPooling(4, **kwargs),
    "lstm_backward": lambda **kwargs: layers.LSTMPooling(
        3, num_layers=3, backward=True, state="all", **kwargs
    ),
    "gru": lambda **kwargs: layers.GRUPooling(4, **kwargs),
    "gru_backward": lambda **kwargs: layers.GRUPooling(
        3, num_layers=1, backward=True, state="all", **kwargs
    ),
    "input": lambda **kwargs: layers.InputNormalization((4, 2), per_feature=True, **kwargs),
    "batch_norm": lambda **kwargs: layers.BatchNormalization(0.9, epsilon=0.01, **kwargs),
}
VECTOR_LAYERS = {
    "gating": lambda **kwargs: layers.ContextGating(**kwargs),
    "gating_plain": lambda **kwargs: layers.ContextGating(
        remove_diagonal=True, batch_norm=False, **kwargs
    ),
    "squeeze": lambda **kwargs: layers.SqueezeExcitationGating(2, **kwargs),
    "squeeze_plain": lambda **kwargs: layers.SqueezeExcitationGating(3, batch_norm=False, **kwargs),
    "logistic": lambda **kwargs: layers.Logistic(4, l2=1e-3, **kwargs),
    "moe": lambda **kwargs: layers.MixtureOfExperts(4, num_mixtures=3, l2=1e-3, **kwargs),
    "moe_gated": lambda **kwargs: layers.MixtureOfExperts(
        4, low_rank=2, prob_gating=True, prob_gating_remove_diagonal=True, **kwargs
    ),
    "moe_no_bias": lambda **kwargs: layers.MixtureOfExperts(4, expert_bias=False, **kwargs),
    "moe_logits": lambda **kwargs: layers.MixtureOfExperts(4, mix_logits=True, **kwargs),
}
ALL = {**FRAME_LAYERS, **VECTOR_LAYERS}
SAMPLERS = {
    "random_frames": lambda: layers.SampleRandomFrames(4, seed=3),
    "random_sequence": lambda: layers.SampleRandomSequence(4, seed=3),
}


DEFAULTS = {
    **dict.fromkeys(("batch_norm", "intra_norm", "final_norm", "expert_bias"), True),
    **dict.fromkeys(("remove_diagonal", "prob_gating", "prob_gating_remove_diagonal"), False),
    **dict.fromkeys(("couple_weights", "max_pool", "backward", "mix_logits", "per_feature"), False),
    **{"batch_norm_decay": 0.999, "decay": 0.999, "epsilon": 1e-3, "dropout": 0.0, "gamma": 0.125},
    **{"coupling_factor": 0.01, "groups": 8, "expansion": 2, "reduction": 8, "num_layers": 2},
    **{"num_mixtures": 2, "l2": 1e-8, "low_rank": 0, "num_heads": 8, "attention_size": 256},
}
OTHERS = {("DSGMM", "final_norm"): False, ("CoupledAssignment", "initial_scale"): 1.0}


def inputs_for(name, rng, batch=5, frames=7):
    """Arguments and keyword arguments of a call."""
    if name in VECTOR_LAYERS:
        return rng.normal(size=(batch, FEATURES)).astype("float32"), {}
    num_frames = rng.integers(1, frames + 1, batch)
    mask = np.arange(frames) < num_frames[:, None]
    return rng.normal(size=(batch, frames, FEATURES)).astype("float32"), {"mask": mask}


def functional(name, layer):
    """A model around the layer, of any batch and any number of frames."""
    if name in VECTOR_LAYERS:
        inputs = keras.Input((FEATURES,))
        return keras.Model(inputs, layer(inputs))
    frames, mask = keras.Input((None, FEATURES)), keras.Input((None,), dtype="bool")
    return keras.Model([frames, mask], layer(frames, mask=mask))


def test_every_public_layer_is_checked():
    checked = {type(build()).__name__ for build in {**ALL, **SAMPLERS}.values()}
    assert checked == set(layers.__all__) - {"ClusterPooling"}


def test_defaults():
    """An argument has the same default in every layer, but for those of `OTHERS`."""
    for name in layers.__all__:
        parameters = inspect.signature(getattr(layers, name).__init__).parameters
        for argument, parameter in parameters.items():
            if isinstance(parameter.default, bool | int | float):
                expected = OTHERS.get((name, argument), DEFAULTS.get(argument))
                assert (name, argument, parameter.default) == (name, argument, expected)


def test_every_batch_normalisation_has_the_decay():
    reached, expected = set(), set()
    for name, build in ALL.items():
        config = build().get_config()
        if "batch_norm_decay" in config:
            layer = type(build()).from_config({**config, "batch_norm_decay": 0.5})
            layer.build((None, FEATURES) if name in VECTOR_LAYERS else (None, None, FEATURES))
            parts = layer._flatten_layers()
            decays = {part.decay for part in parts if isinstance(part, layers.BatchNormalization)}
            assert decays <= {0.5}
            expected.add(type(layer))
            reached |= {type(layer)} if decays else set()
    assert reached == expected


@pytest.mark.parametrize("name", {**ALL, **SAMPLERS})
def test_config_round_trip(name):
    layer = {**ALL, **SAMPLERS}[name]()
    config = layer.get_config()
    again = type(layer).from_config(config)
    assert again.get_config() == config
    for key in set(config) - {"name", "trainable", "dtype"}:
        assert getattr(layer, key) == config[key]


@pytest.mark.parametrize("name", ALL)
def test_saves_and_loads(name, rng, tmp_path):
    layer = ALL[name]()
    model = functional(name, layer)
    inputs, kwargs = inputs_for(name, rng)
    for weight in layer.weights:
        weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    arguments = [inputs, *kwargs.values()] if kwargs else inputs
    expected = ops.convert_to_numpy(model(arguments))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(ops.convert_to_numpy(loaded(arguments)), expected)
    assert expected.shape == tuple(layer(inputs, **kwargs).shape)


@pytest.mark.parametrize("name", ALL)
def test_output_shape_is_known_beforehand(name, rng):
    layer = ALL[name]()
    inputs, kwargs = inputs_for(name, rng)
    symbolic = functional(name, layer).output
    actual = layer(inputs, **kwargs)
    assert len(symbolic.shape) == len(actual.shape)
    for known, size in zip(symbolic.shape, actual.shape, strict=True):
        assert known in (None, size)
    assert symbolic.shape[-1] == actual.shape[-1]
    assert symbolic.dtype == keras.backend.standardize_dtype(actual.dtype)


@pytest.mark.parametrize(
    "policy", ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", ALL)
def test_mixed_precision_is_finite_and_close(name, policy, rng, to_numpy):
    inputs, kwargs = inputs_for(name, rng)
    layer, reduced = ALL[name](), ALL[name](dtype=policy)
    expected = to_numpy(layer(inputs, **kwargs))
    reduced(inputs, **kwargs)
    for weight, reduced_weight in zip(layer.weights, reduced.weights, strict=True):
        assert keras.backend.standardize_dtype(reduced_weight.dtype) == "float32"
        reduced_weight.assign(weight)
    actual = to_numpy(reduced(inputs, **kwargs))
    assert np.isfinite(actual).all()
    np.testing.assert_allclose(actual, expected, atol=0.05 * np.abs(expected).max())


@pytest.mark.parametrize("name", FRAME_LAYERS)
def test_padding_changes_nothing(name, rng, to_numpy):
    layer = FRAME_LAYERS[name]()
    frames, kwargs = inputs_for(name, rng)
    mask = kwargs["mask"]
    expected = to_numpy(layer(frames, mask=mask))
    noise = np.where(mask[..., None], frames, 1e3 * rng.normal(size=frames.shape))
    padded = np.pad(noise, [(0, 0), (0, 4), (0, 0)], constant_values=99)
    longer_mask = np.pad(mask, [(0, 0), (0, 4)])
    for training in (False, True):
        arguments = {"training": training} if has_training(layer) else {}
        expected = to_numpy(layer(frames, mask=mask, **arguments))
        actual = to_numpy(layer(padded.astype("float32"), mask=longer_mask, **arguments))
        if name.startswith(("assignment", "input", "network", "batch_norm")):
            expected, actual = expected[mask], actual[:, : mask.shape[1]][mask]
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["average", "dsgmm", "gru", "input", "batch_norm"])
def test_a_mask_of_keras_is_taken(name, rng, to_numpy):
    """That of a layer before; what has frames still hands it on."""
    layer = FRAME_LAYERS[name]()
    frames, kwargs = inputs_for(name, rng)
    frames[~kwargs["mask"]] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = layer(keras.layers.Masking()(frames))
    np.testing.assert_allclose(to_numpy(found), to_numpy(layer(frames, **kwargs)), rtol=1e-5)
    handed_on = getattr(found, "_keras_mask", None)
    assert (handed_on is not None) == (name in ("input", "batch_norm"))


@pytest.mark.parametrize("name", FRAME_LAYERS)
def test_no_mask_equals_a_full_mask(name, rng, to_numpy):
    layer = FRAME_LAYERS[name]()
    frames, _ = inputs_for(name, rng)
    full = np.ones(frames.shape[:2], bool)
    np.testing.assert_allclose(
        to_numpy(layer(frames)), to_numpy(layer(frames, mask=full)), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("name", FRAME_LAYERS)
def test_videos_without_frames_are_finite(name, rng, to_numpy, gradients):
    layer = FRAME_LAYERS[name]()
    frames, _ = inputs_for(name, rng)
    mask = np.zeros(frames.shape[:2], bool)
    mask[0, :2] = True
    assert np.isfinite(to_numpy(layer(frames, mask=mask))).all()
    if layer.trainable_weights:
        for gradient in gradients(layer, lambda: ops.sum(layer(frames, mask=mask))):
            assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", ALL)
def test_gradients_reach_every_weight(name, rng, gradients):
    layer = ALL[name]()
    inputs, kwargs = inputs_for(name, rng)
    arguments = {"training": True} if has_training(layer) else {}
    outputs = layer(inputs, **kwargs, **arguments)
    states = {weight.name.removeprefix("moving_") for weight in layer.non_trainable_weights}
    assert states <= {"mean", "variance", "weight", "seed_generator_state"}
    if not layer.trainable_weights:
        assert name in ("average", "max", "input")
        return
    target = rng.normal(size=outputs.shape).astype("float32")
    found = gradients(
        layer,
        lambda: ops.sum(ops.square(ops.subtract(layer(inputs, **kwargs, **arguments), target))),
    )
    for weight, gradient in zip(layer.trainable_weights, found, strict=True):
        assert np.isfinite(gradient).all(), weight.path
        assert np.abs(gradient).max() > 1e-7, weight.path


def has_training(layer):
    return layer._call_has_training_arg
