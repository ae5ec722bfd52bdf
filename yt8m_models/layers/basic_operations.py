"""Layers by means of operations that every runtime has.

LiteRT has no float64, and no lists of tensors whose shape is not known: layers that use them do
otherwise within `only_basic_operations`, in inference, with the same results but for rounding.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_ARE_BASIC = ContextVar("are_operations_basic", default=False)


@contextlib.contextmanager
def only_basic_operations() -> Iterator[None]:
    """Makes layers that are called or traced in its block do without such operations."""
    token = _ARE_BASIC.set(True)
    try:
        yield
    finally:
        _ARE_BASIC.reset(token)


def are_operations_basic() -> bool:
    """Whether a layer must do without them."""
    return _ARE_BASIC.get()
