"""Tests of yt8m_models.program.option: the rules of options and their messages."""

import re
from dataclasses import dataclass, fields

import pytest

from yt8m_models.program.option import Options, option, same_option


@dataclass(frozen=True)
class Trip(Options):
    """Where to go."""

    city: str = option("Rome", "Where.", required=True)
    stops: tuple[str, ...] = option(("Pisa",), "Between.", required=True, distinct=True)
    means: str = option("train", "How.", choices=("train", "bus"))
    classes: tuple[int, ...] = option((1,), "Of seats.", choices=(1, 2))
    days: tuple[int, ...] = option((3,), "How long.", at_least=1, at_most=30, distinct=True)
    share: float = option(0.5, "Of the day.", at_least=0, below=1)
    speed: float | None = option(None, "At most.", above=0)
    meal: str = option("", "On the way.", choices=("soup", "salad"))
    late: bool = option(False, "At night.")


def test_defaults_and_none_pass():
    assert Trip() == Trip(speed=None, meal="")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"city": " "}, "--city must be given; received nothing"),
        ({"stops": ()}, "--stops must be given; received nothing"),
        ({"stops": ("", " ")}, "--stops must be given; received nothing"),
        ({"stops": ("Pisa", "Pisa")}, "--stops must have entries that differ; received Pisa,Pisa"),
        ({"means": "trian"}, "--means=trian: did you mean train? (one of train, bus)"),
        ({"means": "ufo"}, "--means=ufo: must be one of train, bus"),
        ({"classes": (1, 3)}, "--classes=3: must be one of 1, 2"),
        ({"classes": [1, 3]}, "--classes=3: must be one of 1, 2"),
        ({"days": (2, 0)}, "--days must be at least 1 and at most 30; received 2,0"),
        ({"days": (31,)}, "--days must be at least 1 and at most 30; received 31"),
        ({"days": (2, 2)}, "--days must have entries that differ; received 2,2"),
        ({"share": 1.0}, "--share must be at least 0 and below 1; received 1.0"),
        ({"share": float("nan")}, "--share must be a finite number; received nan"),
        ({"speed": 0.0}, "--speed must be above 0; received 0.0"),
        ({"speed": float("inf")}, "--speed must be a finite number; received inf"),
    ],
)
def test_a_broken_rule_names_the_flag_the_rule_and_the_value(values, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Trip(**values)


def test_the_same_option_has_the_same_rules_and_its_own_default():
    @dataclass(frozen=True)
    class Return(Options):
        """And back."""

        share: float = same_option(Trip, "share", 0.25)
        means: str = same_option(Trip, "means")

    assert Return() == Return(0.25, "train")
    with pytest.raises(ValueError, match="--share must be at least 0 and below 1"):
        Return(share=2.0)
    assert fields(Return)[0].metadata["help"] == "Of the day."
