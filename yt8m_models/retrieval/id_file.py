"""Text files of video ids."""

from pathlib import Path


def read_ids(path: str, flag: str) -> list[str]:
    """The ids of a file, one a line.

    Args:
        path: of the file.
        flag: which names it.

    Raises:
        ValueError: it cannot be read, or has none.
    """
    try:
        ids = Path(path).read_text(encoding="utf-8-sig").split()
    except (OSError, UnicodeError) as error:
        raise ValueError(f"{flag}: {path} cannot be read: {error}") from error
    if not ids:
        raise ValueError(f"{flag}: {path} has no ids")
    return ids
