"""YouTube-8M model zoo: Keras layers, models, readers, and programs to train and serve them.

    import yt8m_models as yt

    training = yt.train(train_dir="model", train_data_pattern="train*.tfrecord", …)
    yt.evaluate(training.model, "validate*.tfrecord")["gap"]

`__init__.pyi` has the same names with their types.
"""

import importlib
from typing import Any

__version__ = "0.1.0"
__all__ = [
    "Embeddings",
    "Index",
    "Recommender",
    "Training",
    "__version__",
    "evaluate",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "read",
    "run_program",
    "train",
]

# Imported when a name is first asked for: importing the package imports no TensorFlow.
_NAMESPACES = {"layers": "yt8m_models.layers", "losses": "losses", "metrics": "eval.metrics"}
_MODULES = {
    "Embeddings": "yt8m_models.embedding.embeddings",
    "Index": "yt8m_models.retrieval.index",
    "Recommender": "yt8m_models.recommendation.recommender",
    "Training": "yt8m_models.api.training",
    "evaluate": "yt8m_models.api.evaluating",
    "load_model": "yt8m_models.api.loading",
    "read": "yt8m_models.api.reading",
    "run_program": "yt8m_models.__main__",
    "train": "yt8m_models.api.training",
}


def __getattr__(name: str) -> Any:
    if name in _NAMESPACES:
        value: Any = importlib.import_module(_NAMESPACES[name])
    elif name in _MODULES:
        value = getattr(importlib.import_module(_MODULES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
