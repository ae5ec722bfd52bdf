"""Reading MovieLens' comma-separated files and RecBole's atomic files."""

from collections.abc import Mapping

import pandas as pd


def read_table(
    path: str, columns: Mapping[str, tuple[str, ...]], optional: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Columns of a file as text.

    The file has a header. RecBole's have tabs between columns, and the type behind each name
    (`item_id:token`).

    Args:
        path: of the file.
        columns: the name to give a column, to the names that it may have in the file.
        optional: columns, by the names to give them, that the file may lack.

    Raises:
        ValueError: the file cannot be read, has no rows, or lacks a column.
    """
    try:
        with open(path, encoding="utf-8") as file:
            separator = "\t" if "\t" in file.readline() else ","
        table = pd.read_csv(
            path,
            sep=separator,
            dtype=str,
            keep_default_na=False,
            quoting=3 if separator == "\t" else 0,
        )
    except (OSError, UnicodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    table.columns = [name.partition(":")[0].strip() for name in table.columns]
    found = {}
    for name, names in columns.items():
        present = [each for each in names if each in table.columns]
        if not present and name not in optional:
            raise ValueError(
                f"{path} must have a column {' or '.join(names)}; it has {', '.join(table.columns)}"
            )
        if present:
            found[name] = table[present[0]]
    if table.empty:
        raise ValueError(f"{path} has no rows")
    return pd.DataFrame(found)
