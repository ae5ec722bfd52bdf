"""Table 1: how many videos the records for training, validation and tests have."""

import tensorflow as tf

from yt8m_models.data.bad_records import Ledger
from yt8m_models.data.patterns import match_files
from yt8m_models.data.record_index import index_records
from yt8m_models.experiments.common.runs import digest
from yt8m_models.experiments.dsgmm.config import TablesConfig
from yt8m_models.program.progress import Progress
from yt8m_models.storage.result_file import read_result, write_result
from yt8m_models.storage.whole_file import join

PARTS = {
    "training": "train_data_pattern",
    "validation": "validation_data_pattern",
    "test": "test_data_pattern",
}
_COUNTS = "table1.json"


def count_splits(config: TablesConfig, max_bad_records: int) -> dict[str, int]:
    """The videos of each part, by its name; a part without a pattern has none.

    The first bytes of each record are read. `table1.json` in the directory of the results keeps the
    counts, which hold until a file has another name or size.

    Args:
        config: the flags, with the patterns.
        max_bad_records: how many bad records of a part are left out.

    Raises:
        ValueError: there are more; the message names the file and the record.
    """
    patterns = {part: getattr(config, name) for part, name in PARTS.items()}
    files = {
        part: match_files(pattern, PARTS[part]) if pattern else []
        for part, pattern in patterns.items()
    }
    sizes = {
        part: [(path, int(tf.io.gfile.stat(path).length)) for path in paths]
        for part, paths in files.items()
    }
    kept = join(config.output_dir, _COUNTS)
    now = digest(sizes)
    found = read_result(kept, lambda record: (record["files"], record["videos"]), "table 1")
    if found is not None and found[0] == now:
        counts: dict[str, int] = found[1]
        return counts
    with Progress(description="count videos") as progress:
        counts = {}
        for part, paths in files.items():
            ledger = Ledger(max_bad_records)
            counts[part] = sum(len(index_records([path], ledger, progress).ids) for path in paths)
    write_result(kept, {"files": now, "videos": counts})
    return counts
