"""Locks of open files between processes, which end with the process that has them."""

from typing import IO, Any


def lock_file(file: IO[Any], wait: bool) -> bool:
    """Locks an open file until it is closed in this process and in those that inherited it.

    Where there are no such locks, as on Windows, every file counts as locked.

    Args:
        file: the file.
        wait: wait while another process has the lock.

    Returns:
        Whether this process has it.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
