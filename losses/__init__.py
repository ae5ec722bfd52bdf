"""Classification losses of the YouTube-8M starter code, as Keras losses on every backend.

loss = losses.get("CrossEntropyLoss")
loss(labels, predictions, sample_weight=label_weights)
"""

import difflib

from losses.classification_loss import ClassificationLoss
from losses.cross_entropy_loss import CrossEntropyLoss
from losses.hinge_loss import HingeLoss
from losses.softmax_loss import SoftmaxLoss

__all__ = ["NAMES", "CrossEntropyLoss", "HingeLoss", "SoftmaxLoss", "get"]

_LOSSES: dict[str, type[ClassificationLoss]] = {
    "CrossEntropyLoss": CrossEntropyLoss,
    "HingeLoss": HingeLoss,
    "SoftmaxLoss": SoftmaxLoss,
}

NAMES: tuple[str, ...] = tuple(_LOSSES)


def get(name: str) -> ClassificationLoss:
    """The loss of this name, with its default arguments.

    Raises:
        ValueError: no loss has this name; the message gives the nearest ones.
    """
    if name not in _LOSSES:
        by_lower_case = {known.lower(): known for known in NAMES}
        near = difflib.get_close_matches(name.lower(), by_lower_case, n=2, cutoff=0.5)
        hint = f"did you mean {' or '.join(by_lower_case[key] for key in near)}? " if near else ""
        raise ValueError(f"unknown loss {name!r}: {hint}(one of {', '.join(NAMES)})")
    return _LOSSES[name]()
