"""Reading MovieLens' files, of each of its releases, and RecBole's atomic files."""

import io
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

_RATINGS = ("user_id", "item_id", "rating", "timestamp")
_GENRES = (  # of u.item, whose last columns are 1 for those that a movie has
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime"),
    *("Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery"),
    *("Romance", "Sci-Fi", "Thriller", "War", "Western"),
)
_HEADERLESS = {  # the names of MovieLens' files without a header: separator, columns
    "u.data": ("\t", _RATINGS),
    "ratings.dat": ("::", _RATINGS),
    "movies.dat": ("::", ("item_id", "title", "genres")),
    "u.item": ("|", ("item_id", "title", "release_date", "video_date", "url", *_GENRES)),
}


def read_table(
    path: str, columns: Mapping[str, tuple[str, ...]], optional: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Columns of a file as text.

    The file has a header, unless its name is one of MovieLens-100K's or 1M's. RecBole's have tabs
    between columns, and the type behind each name (`item_id:token`).

    Args:
        path: of the file.
        columns: the name to give a column, to the names that it may have in the file.
        optional: columns, by the names to give them, that the file may lack.

    Raises:
        ValueError: the file cannot be read, has no rows, or lacks a column.
    """
    try:
        table = _headerless(path) if Path(path).name in _HEADERLESS else _with_header(path)
    except (OSError, ValueError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
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


def _with_header(path: str) -> pd.DataFrame:
    with open(path, encoding="utf-8") as file:
        separator = "\t" if "\t" in file.readline() else ","
    quoting = 3 if separator == "\t" else 0
    return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, quoting=quoting)


def _headerless(path: str) -> pd.DataFrame:
    """These are in Latin-1; `u.item` has its genres as in the others, with bars between."""
    separator, names = _HEADERLESS[Path(path).name]
    text = Path(path).read_text("latin-1").replace(separator, "\t")
    lines = io.StringIO(text)
    table = pd.read_csv(lines, sep="\t", header=None, dtype=str, keep_default_na=False, quoting=3)
    if table.shape[1] != len(names):
        raise ValueError(
            f"a line of {Path(path).name} must have {len(names)} values with {separator!r} "
            f"between; it has {table.shape[1]}"
        )
    table.columns = list(names)
    if names[-1] == _GENRES[-1]:
        flags = table[list(_GENRES)].to_numpy() == "1"
        table = table.drop(columns=list(_GENRES))
        table["genres"] = [
            "|".join(genre for genre, is_of in zip(_GENRES, row, strict=True) if is_of)
            for row in flags
        ]
    return table
