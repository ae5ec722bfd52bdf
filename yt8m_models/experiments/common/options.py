"""Flags that experiments share with the programs that they run."""

import dataclasses
from typing import Any


def same_option(config: type, name: str, default: Any = dataclasses.MISSING) -> Any:
    """The field of this name of another dataclass, with another default where one is given."""
    (field,) = (field for field in dataclasses.fields(config) if field.name == name)
    return dataclasses.field(
        default=field.default if default is dataclasses.MISSING else default,
        metadata=field.metadata,
    )
