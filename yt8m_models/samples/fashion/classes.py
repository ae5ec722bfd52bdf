"""The classes of the sample data set: kinds of articles, and properties of those that are shown."""

from collections.abc import Callable

from yt8m_models.samples.bags.bag_class import BagClass

KINDS = (
    *("T-shirt", "Trousers", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
_TSHIRT, _TROUSERS, _PULLOVER, _DRESS, _COAT, _SANDAL, _SHIRT, _SNEAKER, _BAG, _BOOT = range(10)
_TOPS = {_TSHIRT, _PULLOVER, _SHIRT}
_SHOES = {_SANDAL, _SNEAKER, _BOOT}
_LONG_SLEEVES = {_PULLOVER, _COAT, _SHIRT}
_SUMMER = {_TSHIRT, _DRESS, _SANDAL}
_WINTER = {_PULLOVER, _COAT, _BOOT}


def _kind(kind: int) -> BagClass:
    return BagClass(KINDS[kind], "Articles", lambda shown, share: kind in shown)


def _property(name: str, holds: Callable[[set[int], float], bool]) -> BagClass:
    return BagClass(name, "Properties of articles", holds)


CLASSES = (
    *(_kind(kind) for kind in range(10)),
    _property("Two kinds of tops", lambda shown, share: len(shown & _TOPS) >= 2),
    _property("Two kinds of shoes", lambda shown, share: len(shown & _SHOES) >= 2),
    _property("Two with long sleeves", lambda shown, share: len(shown & _LONG_SLEEVES) >= 2),
    _property("Summer and winter", lambda shown, share: bool(shown & _SUMMER and shown & _WINTER)),
    _property("Top and shoes", lambda shown, share: bool(shown & _TOPS and shown & _SHOES)),
    _property("Top and trousers", lambda shown, share: _TROUSERS in shown and bool(shown & _TOPS)),
    _property("Bag and shoes", lambda shown, share: _BAG in shown and bool(shown & _SHOES)),
    _property("Nothing for the feet", lambda shown, share: not shown & _SHOES),
    _property("Coat or dress, not both", lambda shown, share: len(shown & {_COAT, _DRESS}) == 1),
    _property("A single kind", lambda shown, share: len(shown) == 1),
    _property("Four kinds or more", lambda shown, share: len(shown) >= 4),
    _property("One kind in most frames", lambda shown, share: share > 0.5),
)
