"""What the recurrent pooling layers share."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import FrameLayer, Shape, Tensor, check_positive

STATES = ("last", "all")

Step = Callable[[Tensor, list[Tensor]], list[Tensor]]


class RecurrentPooling(FrameLayer):
    """Reads the frames in order through stacked recurrent layers and gives their state at the end.

    A subclass is one recurrent layer: `add_layer_weights(index, features)` makes its weights,
    `recurrence(index, inputs)` says how it reads, and `num_states` how many states it has, the last
    of which is its output.

    Args:
        cells: H, the size of each state.
        num_layers: L; each layer reads the outputs of the one below.
        backward: read from the last valid frame to the first.
        state: `"last"`, the output of the topmost layer, or `"all"`, every state of every layer,
            from the bottom.

    Inputs: frames `(batch, T, D)` and `mask`, bool `(batch, T)`: a padded frame leaves the states
    as they are.
    Output: `(batch, H)`, or `(batch, L · num_states · H)` where `state` is `"all"`; zeros for a
    video without frames.

    Raises:
        ValueError: `cells` or `num_layers` is below 1, or `state` is not known.
    """

    num_states = 1

    def __init__(
        self,
        cells: int,
        num_layers: int = 2,
        backward: bool = False,
        state: str = "last",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive(cells=cells, num_layers=num_layers)
        if state not in STATES:
            raise ValueError(f"state must be one of {STATES}; received {state!r}")
        self.cells = cells
        self.num_layers = num_layers
        self.backward = backward
        self.state = state

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        for index in range(self.num_layers):
            self.add_layer_weights(index, features)
            features = self.cells

    def call(self, frames: Tensor, mask: Tensor | None = None, training: bool = False) -> Tensor:
        if self.backward:  # padding then comes first, and leaves the states at zero
            frames = ops.flip(frames, axis=1)
            mask = None if mask is None else ops.flip(mask, axis=1)
        outputs, states = frames, []
        for index in range(self.num_layers):
            projected, step = self.recurrence(index, outputs)
            read = keras.layers.RNN(
                _Cell(step, [self.cells] * self.num_states, self.compute_dtype),
                return_sequences=index < self.num_layers - 1,
                return_state=True,
                dtype=self.dtype_policy,
            )
            outputs, *layer_states = read(projected, mask=mask)
            states += layer_states
        if self.state == "last":
            return states[-1]
        return ops.concatenate(states, axis=-1)

    def add_layer_weights(self, index: int, features: int) -> None:
        """Makes the weights of the layer `index`, whose input is `(batch, T, features)`."""
        raise NotImplementedError

    def recurrence(self, index: int, inputs: Tensor) -> tuple[Tensor, Step]:
        """The inputs' share of the layer's activations, and `step(share, states) -> new states`.

        `share` is that of one frame, `(batch, …)`; states are float32 `(batch, H)`. The share of
        all frames is one matrix product, and the weights are sliced here, outside of the loop over
        frames: what a loop reads from a variable, XLA keeps for the gradients frame by frame.
        """
        raise NotImplementedError

    def add_named_weight(
        self, name: str, index: int, shape: tuple[int, ...], initializer: str
    ) -> None:
        """The weight `<name>_<index>`, an attribute of that name: checkpoints follow attributes."""
        name = f"{name}_{index}"
        setattr(self, name, self.add_weight(name=name, shape=shape, initializer=initializer))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        num_states = 1 if self.state == "last" else self.num_layers * self.num_states
        return (input_shape[0], num_states * self.cells)


class _Cell:
    """A step as `keras.layers.RNN` wants it: states in float32, outputs in the layer's type."""

    compute_dtype = "float32"  # of the states

    def __init__(self, step: Step, state_size: list[int], output_dtype: str) -> None:
        self.step = step
        self.state_size = state_size
        self.output_size = state_size[-1]
        self.output_dtype = output_dtype

    def call(self, share: Tensor, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        states = self.step(share, states)
        return ops.cast(states[-1], self.output_dtype), states

    __call__ = call
