"""The database that works on a log which may be larger than memory."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from yt8m_models.program.extras import require

INTERRUPTED = "Query interrupted"  # by a signal, as a RuntimeError
_OF_MACHINE = 0.8  # what the engine takes by itself of the machine's, or the container's, memory


@contextmanager
def engine(directory: Path, memory_limit: str = "") -> Iterator[Any]:
    """A connection to a DuckDB database in `directory`, which is removed when the block ends.

    Args:
        directory: for the database and what does not fit into memory; must be of no other use.
        memory_limit: of the program, such as `2GB`; half of the machine's unless given. The engine
            takes half of it: its limit is not for all that it allocates, and ids are beside it.

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
            share = 0.5
            if memory_limit:
                connection.execute(f"SET memory_limit = '{memory_limit}'")
            else:
                share *= 0.5 / _OF_MACHINE
            connection.execute(f"SET memory_limit = '{_limit(connection, share)}'")
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


def _limit(connection: Any, share: float) -> str:
    """A share of the engine's limit."""
    [limit] = connection.execute("SELECT current_setting('memory_limit')").fetchone()
    number, unit = limit.split()
    return f"{float(number) * share}{unit}"


def first_line(error: Exception) -> str:
    """What happened, without the engine's advice on its own settings."""
    return str(error).partition("\n")[0]
