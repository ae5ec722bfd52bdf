"""The name of a video's own file, such as its thumbnail: safe for any id."""

import hashlib
from urllib.parse import quote_from_bytes

# With a suffix, and what a partly written file adds, below the 255 bytes of file systems.
_LONGEST = 180
_KEPT = 100


def file_name_of_id(video_id: bytes | str) -> str:
    """The file name of an id, without suffix, such as `a%2Fb` of `a/b`.

    ASCII letters, digits, `_`, `-`, `~` and inner dots stand for themselves, other bytes (of UTF-8)
    are percent-encoded. A leading dot is encoded too, so that no file is hidden; the empty id is
    `%`; of an id whose name would be longer than 180 bytes its start and its SHA-256 remain.
    Different ids have different names where the file system tells case apart.
    """
    encoded = video_id.encode("utf-8", "surrogateescape") if isinstance(video_id, str) else video_id
    name = quote_from_bytes(encoded, safe="") or "%"
    if name.startswith("."):
        name = "%2E" + name[1:]
    # "%-" is in no percent-encoded name.
    return (
        name if len(name) <= _LONGEST else f"{name[:_KEPT]}%-{hashlib.sha256(encoded).hexdigest()}"
    )
