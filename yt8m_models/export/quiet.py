"""Libraries without the advice that they log."""

import contextlib
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def errors_only(logger: logging.Logger) -> Iterator[None]:
    """Lets a logger log nothing below errors in its block."""
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
