"""Fully connected layers to the embedding's width."""

import keras

from yt8m_models.layers.base import BaseLayer, check_positive


@keras.saving.register_keras_serializable(package="yt8m_models")
class Tower(BaseLayer):
    """Hidden layers with an activation, and a linear one to the embedding's width.

        h_0 = x,  h_i = activation(h_{i-1} W_i + b_i),  output = h_n W + b

    Args:
        hidden: widths of the hidden layers; none makes the tower one linear layer.
        embedding_size: width of the output.
        activation: of the hidden layers, a name that Keras knows, or `"none"`.

    Input: `(batch, D)`. Output: `(batch, embedding_size)`.

    Raises:
        ValueError: a width is below 1, or the activation is not known.

    Example:
        >>> Tower((4000,), 256)(features)  # (batch, D) -> (batch, 256)
    """

    def __init__(self, hidden, embedding_size, activation="relu", **kwargs):
        super().__init__(**kwargs)
        if min(hidden, default=1) < 1:
            raise ValueError(f"hidden must be widths of at least 1; received {hidden}")
        check_positive(embedding_size=embedding_size)
        self.hidden = tuple(hidden)
        self.embedding_size = embedding_size
        self.activation = activation
        function = None if activation == "none" else activation
        scale = 1.0 if activation == "none" else 2.0  # half of what enters a ReLU is cut off
        self.layers = [
            self._dense(size, function, scale, f"hidden_{index}")
            for index, size in enumerate(self.hidden)
        ]
        self.layers.append(self._dense(embedding_size, None, 1.0, "embedding"))
        for layer in self.layers:
            setattr(self, layer.name, layer)  # checkpoints follow attributes, not lists

    def _dense(self, size, activation, scale, name):
        return keras.layers.Dense(
            size,
            activation=activation,
            kernel_initializer=keras.initializers.VarianceScaling(scale, mode="fan_in"),
            name=name,
            dtype=self.dtype_policy,
        )

    def build(self, input_shape):
        features = input_shape[-1]
        for layer in self.layers:
            layer.build((None, features))
            features = layer.units

    def call(self, inputs):
        for layer in self.layers:
            inputs = layer(inputs)
        return inputs

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.embedding_size)
