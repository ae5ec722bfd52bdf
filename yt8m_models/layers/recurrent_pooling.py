"""What the recurrent pooling layers share."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import FrameLayer, Shape, Tensor, check_positive
from yt8m_models.layers.basic_operations import are_operations_basic

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
        read = self._read_in_one_loop if are_operations_basic() else self._read_layer_by_layer
        states = read(frames, mask)
        if self.state == "last":
            return states[-1]
        return ops.concatenate(states, axis=-1)

    def _read_layer_by_layer(self, frames: Tensor, mask: Tensor | None) -> list[Tensor]:
        """The states of all layers at the end, each layer in a loop of its own."""
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
        return states

    def _read_in_one_loop(self, frames: Tensor, mask: Tensor | None) -> list[Tensor]:
        """The same, all layers frame by frame: no list of a layer's outputs is needed."""
        shares, first_step = self.recurrence(0, frames)

        def read_frame(time: Tensor, *states: Tensor) -> list[Tensor]:
            read: list[Tensor] = []
            for index in range(self.num_layers):
                if index == 0:
                    share, step = ops.take(shares, time, axis=1), first_step
                else:
                    share, step = self.recurrence(index, ops.cast(read[-1], self.compute_dtype))
                before = states[len(read) : len(read) + self.num_states]
                after = step(share, list(before))
                if mask is not None:
                    is_valid = ops.expand_dims(ops.take(mask, time, axis=1), -1)
                    pairs = zip(after, before, strict=True)
                    after = [ops.where(is_valid, new, old) for new, old in pairs]
                read += after
            return [time + 1, *read]

        zeros = ops.zeros((ops.shape(frames)[0], self.cells), "float32")
        last: list[Tensor] = ops.while_loop(
            lambda time, *states: time < ops.shape(frames)[1],
            read_frame,
            [ops.zeros((), "int32"), *[zeros] * (self.num_layers * self.num_states)],
        )
        return last[1:]

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
