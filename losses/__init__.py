"""Classification losses of the YouTube-8M starter code and triplet losses, on every Keras backend.

loss = losses.get("CrossEntropyLoss")
loss(labels, predictions, sample_weight=label_weights)

loss = losses.get_triplet("TripletHingeLoss", margin=0.2)
loss(positive_distances, negative_distances, mask=found)
"""

import difflib

from losses.classification_loss import ClassificationLoss
from losses.cross_entropy_loss import CrossEntropyLoss
from losses.hinge_loss import HingeLoss
from losses.softmax_loss import SoftmaxLoss
from losses.triplet_exponential_loss import TripletExponentialLoss
from losses.triplet_hinge_loss import TripletHingeLoss
from losses.triplet_log_loss import TripletLogLoss
from losses.triplet_loss import TripletLoss

__all__ = [
    "NAMES",
    "TRIPLET_NAMES",
    "CrossEntropyLoss",
    "HingeLoss",
    "SoftmaxLoss",
    "TripletExponentialLoss",
    "TripletHingeLoss",
    "TripletLogLoss",
    "get",
    "get_triplet",
]

_LOSSES: dict[str, type[ClassificationLoss]] = {
    "CrossEntropyLoss": CrossEntropyLoss,
    "HingeLoss": HingeLoss,
    "SoftmaxLoss": SoftmaxLoss,
}

_TRIPLET_LOSSES: dict[str, type[TripletLoss]] = {
    "TripletHingeLoss": TripletHingeLoss,
    "TripletLogLoss": TripletLogLoss,
    "TripletExponentialLoss": TripletExponentialLoss,
}

NAMES: tuple[str, ...] = tuple(_LOSSES)
TRIPLET_NAMES: tuple[str, ...] = tuple(_TRIPLET_LOSSES)


def get(name: str) -> ClassificationLoss:
    """The loss of this name, with its default arguments.

    Raises:
        ValueError: no loss has this name; the message gives the nearest ones.
    """
    _check_name(name, NAMES)
    return _LOSSES[name]()


def get_triplet(name: str, margin: float) -> TripletLoss:
    """The triplet loss of this name, with this margin.

    Raises:
        ValueError: no triplet loss has this name, and the message gives the nearest ones; or the
            margin is negative or not finite.
    """
    _check_name(name, TRIPLET_NAMES)
    return _TRIPLET_LOSSES[name](margin)


def _check_name(name: str, names: tuple[str, ...]) -> None:
    if name in names:
        return
    by_lower_case = {known.lower(): known for known in names}
    near = difflib.get_close_matches(name.lower(), by_lower_case, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(by_lower_case[key] for key in near)}? " if near else ""
    raise ValueError(f"unknown loss {name!r}: {hint}(one of {', '.join(names)})")
