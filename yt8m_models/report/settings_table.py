"""How features were made, as a table."""

from collections.abc import Mapping
from typing import Any

from yt8m_models.report.table import Table


def settings_table(settings: Mapping[str, Any]) -> Table:
    """The settings of an extraction by name; what they have parts of has a row for each part."""
    rows: list[list[str]] = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            rows += [[f"{name}: {key}", str(each)] for key, each in value.items()]
        else:
            rows.append([name, str(value)])
    return Table("How the features were made", ("setting", "value"), rows)
