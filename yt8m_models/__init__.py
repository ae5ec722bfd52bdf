"""YouTube-8M model zoo: Keras layers, models, readers, and programs to train and serve them."""

__version__ = "0.1.0"
