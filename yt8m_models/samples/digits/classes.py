"""The classes of the sample data set: digits, and properties of the digits that a video shows."""

from collections.abc import Callable

from yt8m_models.samples.bags.bag_class import BagClass

_WORDS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
_PRIMES = {2, 3, 5, 7}
_SQUARES = {0, 1, 4, 9}
_WITH_A_LOOP = {0, 6, 8, 9}


def _digit(digit: int) -> BagClass:
    return BagClass(_WORDS[digit], "Digits", lambda shown, share: digit in shown)


def _property(name: str, holds: Callable[[set[int], float], bool]) -> BagClass:
    return BagClass(name, "Properties of digits", holds)


CLASSES = (
    *(_digit(digit) for digit in range(10)),
    _property("Two different primes", lambda shown, share: len(shown & _PRIMES) >= 2),
    _property("Two different squares", lambda shown, share: len(shown & _SQUARES) >= 2),
    _property("Two digits with a loop", lambda shown, share: len(shown & _WITH_A_LOOP) >= 2),
    _property("Even and odd", lambda shown, share: len({digit % 2 for digit in shown}) == 2),
    _property("Even digits only", lambda shown, share: all(digit % 2 == 0 for digit in shown)),
    _property("Odd digits only", lambda shown, share: all(digit % 2 == 1 for digit in shown)),
    _property("Two neighbours", lambda shown, share: any(d + 1 in shown for d in shown)),
    _property("Three in a row", lambda shown, share: any({d + 1, d + 2} <= shown for d in shown)),
    _property("Adding up to nine", lambda shown, share: any(9 - d in shown for d in shown)),
    _property(
        "A digit and its double", lambda shown, share: any(2 * d in shown for d in shown - {0})
    ),
    _property("Sum above fifteen", lambda shown, share: sum(shown) > 15),
    _property("A single digit", lambda shown, share: len(shown) == 1),
    _property("Four digits or more", lambda shown, share: len(shown) >= 4),
    _property("One digit in most frames", lambda shown, share: share > 0.5),
)
