"""Tests of yt8m_models.training.schedule."""

import keras
import numpy as np
import pytest

from yt8m_models.training.schedule import StaircaseDecay


@pytest.mark.parametrize("batch", [1, 32, 1024])
def test_the_rate_falls_exactly_where_the_examples_are_reached(batch):
    schedule = StaircaseDecay(0.01, 0.95, decay_examples=4_000_000, global_batch_size=batch)
    for fall in (1, 2, 7):
        first = -(-fall * 4_000_000 // batch)  # The first step with that many examples before it.
        assert float(schedule(first - 1)) == pytest.approx(0.01 * 0.95 ** (fall - 1), rel=1e-6)
        assert float(schedule(first)) == pytest.approx(0.01 * 0.95**fall, rel=1e-6)


def test_many_steps_against_python():
    schedule = StaircaseDecay(0.5, 0.8, decay_examples=70, global_batch_size=32)
    rates = [float(schedule(step)) for step in range(20)]
    np.testing.assert_allclose(
        rates, [0.5 * 0.8 ** (step * 32 // 70) for step in range(20)], rtol=1e-6
    )


def test_config_round_trip():
    schedule = StaircaseDecay(0.5, 0.8, 70, 32)
    config = keras.optimizers.schedules.serialize(schedule)
    copy = keras.optimizers.schedules.deserialize(config)
    assert copy.get_config() == schedule.get_config()


def test_an_optimizer_that_begins_with_a_trained_model_goes_on_with_its_steps():
    whole = StaircaseDecay(0.5, 0.8, decay_examples=70, global_batch_size=32)
    resumed = StaircaseDecay(0.5, 0.8, decay_examples=70, global_batch_size=32)
    resumed.start = 6
    np.testing.assert_array_equal(
        [float(resumed(step)) for step in range(9)], [float(whole(step)) for step in range(6, 15)]
    )
