# What mypy must know of Keras, which has no types: the classes that this project derives from.

from typing import Any

from keras import layers as layers
from keras import losses as losses
from keras import metrics as metrics
from keras import optimizers as optimizers
from keras import saving as saving

class Model(layers.Layer):
    def export(
        self,
        filepath: Any,
        format: str = ...,
        verbose: bool | None = ...,
        input_signature: Any = ...,
        **kwargs: Any,
    ) -> None: ...

def __getattr__(name: str) -> Any: ...
