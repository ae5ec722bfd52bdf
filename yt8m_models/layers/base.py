"""What all layers share, and names for what Keras leaves untyped."""

from typing import Any

Tensor = Any  # of any backend of Keras, or symbolic
Shape = tuple[Any, ...]  # a size that is not known is None
