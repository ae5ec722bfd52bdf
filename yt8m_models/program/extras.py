"""Libraries of the extras, which not every user has."""

import importlib
from types import ModuleType


def require(name: str, extra: str = "recommend") -> ModuleType:
    """The module of this name, such as `"faiss"`, which an extra of the package installs.

    Raises:
        ValueError: it is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.split(".")[0]:
            raise
        raise ValueError(
            f"{name} is needed and not installed: pip install 'yt8m-models[{extra}]'"
        ) from error
