"""Where layers compute."""

import keras


def loops_on_cpu() -> bool:
    """Whether there are CPUs alone, and a backend whose loops are a part of the compiled graph."""
    if keras.backend.backend() == "torch":
        return False
    return all(name.startswith("cpu") for name in keras.distribution.list_devices())
