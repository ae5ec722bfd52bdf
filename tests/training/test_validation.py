"""Tests of yt8m_models.training.validation: when a loss that rises is said."""

import keras
import pytest
import tensorflow as tf

from yt8m_models.training.scalars import ScalarWriter
from yt8m_models.training.validation import Measure, Validation


class Given(Measure):
    """Measures what it is given, value by value."""

    columns = ("value",)
    best = "value"

    def __init__(self, values, is_loss):
        self.values = iter(values)
        self.is_loss = is_loss

    def __call__(self):
        return {"value": next(self.values)}

    def describe(self, row):
        return f"{row['value']}"


@pytest.fixture
def validate(tmp_path, warned):
    """Validates a training, one step after the other; what was said, by the value's index."""

    def validate(*values, is_loss=True, start=0):
        step = tf.Variable(start, dtype=tf.int64)
        measure, model = Given(values, is_loss), keras.Sequential()
        validation = Validation(str(tmp_path), measure, model, step, ScalarWriter(None))
        said = {}
        for number in range(len(values)):
            step.assign_add(1)
            validation.evaluate({})
            for message in warned():
                said[number] = message
        return said

    return validate


def test_a_loss_that_rose_for_five_validations_is_said_once(validate):
    assert list(validate(3.0, 1.0, 1.1, 1.1, 1.3, 1.2, 1.25, 1.4, 1.5)) == [6]


def test_the_message_says_what_to_do(validate):
    message = validate(1.0, 1.1, 1.2, 1.3, 1.4, 1.5)[5]
    assert message.startswith(
        "the validation loss fell to 1.0000, was higher in the last 5 validations, and is 1.5000 "
        "at step 6: "
    )
    assert "stays in best/" in message
    assert "--base_learning_rate or more regularisation" in message


def test_a_resumed_training_remembers_the_validations_before(validate):
    assert validate(1.0, 1.1, 1.2, 1.3) == {}
    assert list(validate(1.4, 1.5, 1.6, start=4)) == [1]


@pytest.mark.parametrize(
    ("values", "is_loss", "expected"),
    [
        ((3.0, 1.0, 2.0, 1.5), True, 2),
        ((3.0, 1.0, 1.0), True, 1),  # as good is not better
        ((3.0, 2.0), True, 0),
        ((0.5, 0.25, 0.375), False, 2),
        ((), True, 0),
    ],
)
def test_validations_since_the_best(tmp_path, values, is_loss, expected):
    step = tf.Variable(0, dtype=tf.int64)
    measure, model = Given(values, is_loss), keras.Sequential()
    validation = Validation(str(tmp_path), measure, model, step, ScalarWriter(None))
    for _ in values:
        step.assign_add(1)
        validation.evaluate({})
    assert validation.num_since_best == expected
    resumed = Validation(str(tmp_path), measure, model, step, ScalarWriter(None))
    assert resumed.num_since_best == expected


@pytest.mark.parametrize(
    "values",
    [
        [10 / n for n in range(1, 20)],
        [1.0, *[1.019, 1.01] * 6],  # as good as the best
        [1.0, 1.1, 1.2, 1.3, 1.4, 0.9, 1.0, 1.1, 1.2, 1.3],  # another best one in between
        [1.0, 1.1, 1.2, 1.3, 1.4, 1.01, 1.4, 1.4, 1.4, 1.4],
    ],
)
def test_nothing_is_said_of_a_loss_that_does_not_rise_for_long(validate, values):
    assert validate(*values) == {}


def test_nothing_is_said_of_a_measure_that_is_no_loss(validate):
    assert validate(0.9, *[0.1] * 9, is_loss=False) == {}
