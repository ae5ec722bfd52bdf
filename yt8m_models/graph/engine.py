"""The database that works on a log which may be larger than memory."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from yt8m_models.program.extras import require

INTERRUPTED = "Query interrupted"  # by a signal, as a RuntimeError


@contextmanager
def engine(directory: Path, memory_limit: str = "") -> Iterator[Any]:
    """A connection to a DuckDB database in `directory`, which is removed when the block ends.

    Args:
        directory: for the database and what does not fit into memory; must be of no other use.
        memory_limit: of the engine, such as `2GB`; half of the machine's unless given.

    Raises:
        ValueError: DuckDB is not installed, or the limit is too low.
        OSError: there is no room on disk.
        KeyboardInterrupt: a signal came while the engine was at work.
    """
    duckdb = require("duckdb")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    try:
        with duckdb.connect(str(directory / "log.duckdb")) as connection:
            spilled = str(directory / "spilled").replace("'", "''")
            connection.execute(f"SET temp_directory = '{spilled}'")
            connection.execute("SET TimeZone = 'UTC'")
            limit = memory_limit or _half_of_memory(connection)
            connection.execute(f"SET memory_limit = '{limit}'")
            yield connection
    except duckdb.OutOfMemoryException as error:
        limit = f"--memory_limit={memory_limit} is too low: " if memory_limit else ""
        raise ValueError(f"{limit}{first_line(error)}") from None
    except duckdb.IOException as error:
        raise OSError(f"{directory}: {first_line(error)}") from None
    except RuntimeError as error:
        if str(error) != INTERRUPTED:
            raise
        raise KeyboardInterrupt from None
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _half_of_memory(connection: Any) -> str:
    """Half of what the machine, or the container, has; the engine takes 80 % by itself."""
    [limit] = connection.execute("SELECT current_setting('memory_limit')").fetchone()
    number, unit = limit.split()
    return f"{float(number) * 0.5 / 0.8}{unit}"


def first_line(error: Exception) -> str:
    """What happened, without the engine's advice on its own settings."""
    return str(error).partition("\n")[0]
