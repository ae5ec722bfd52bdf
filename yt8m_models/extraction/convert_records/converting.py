"""Converting records, file by file."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import tensorflow as tf

from yt8m_models.data.patterns import match_files
from yt8m_models.data.record_copies import RecordCopies
from yt8m_models.data.record_reader import BadRecord, Parsed, parsed_records, record_size
from yt8m_models.data.records import write_records
from yt8m_models.extraction.convert_records.config import AUTO, MEDIAPIPE, ConvertConfig
from yt8m_models.extraction.convert_records.record_converter import RecordConverter
from yt8m_models.extraction.convert_records.record_format import FORMATS, detect
from yt8m_models.extraction.frame_features import parse_sequence
from yt8m_models.extraction.pca import PCA, read_pca
from yt8m_models.program.progress import Progress
from yt8m_models.storage.whole_file import whole_path

_PB = ".pb"
_COUNTS = ("videos", "unlabelled", "empty", "unequal", "values", "clipped")


@dataclass(frozen=True)
class ConvertSummary:
    """What a conversion did, an interrupted run before it included.

    Attributes:
        num_files: input files.
        from_format: what they were.
        features: the feature lists that were converted, each with its name in YouTube-8M.
        num_videos: converted records.
        num_unlabelled: those without labels.
        num_empty: those without frames, which readers leave out.
        num_unequal: those whose features had different numbers of frames.
        clipped_share: of the floats that were quantised, 0 to 1, those beyond ±2.
        problems: what was left out, as a sentence; `None` where nothing was.
    """

    num_files: int
    from_format: str
    features: Mapping[str, str]
    num_videos: int
    num_unlabelled: int
    num_empty: int
    num_unequal: int
    clipped_share: float
    problems: str | None


def convert_records(config: ConvertConfig, progress: bool = False) -> ConvertSummary:
    """Converts every record, in its order.

    The records of `x.tfrecord` go to `x.tfrecord` in `config.output_dir`, and so does `x.pb`, which
    MediaPipe writes: one media sequence that is not in a TFRecord file. Without a good record there
    is no file, as readers refuse empty ones. A file appears when it is
    done; `conversion.json` notes the settings and the files that are done, so that the same command
    goes on after an interruption.

    Args:
        config: what to convert.
        progress: show a progress bar on stderr.

    Raises:
        ValueError: a record is bad or does not fit (the file and the record are named); the first
            record has no known format or no feature list of it; a PCA cannot be read, or there is
            no feature for it; two files have one name; or the directory has other files of these
            names, or was written with other settings.
        OSError: a file cannot be written.
    """
    from_format, features = _source(config)
    pcas = _pcas(config, features)
    converter = RecordConverter(config, FORMATS[from_format], features, pcas)
    copies = RecordCopies(
        config.input_data_pattern,
        config.output_dir,
        work="conversion",
        entries="files",
        settings={
            "from_format": from_format,
            "to_format": config.to_format,
            "features": features,
            "id_key": config.id_key,
            "label_key": config.label_key,
            "unequal_frames": config.unequal_frames,
            "pca": {name: pca.settings for name, pca in pcas.items()},
        },
        max_bad_records=config.max_bad_records,
        name_of=lambda name: f"{name.removesuffix(_PB)}.tfrecord" if name.endswith(_PB) else name,
    )
    sizes = {name: copies.size(name) / 2**20 for name in copies.files}
    done = sum(size for name, size in sizes.items() if name in copies.done)
    bar = Progress(sum(sizes.values()), "MB", "converting", initial=done, enabled=progress)

    def convert_file(name: str, path: str) -> Mapping[str, int]:
        counts = Counter(dict.fromkeys(_COUNTS, 0))

        def converted() -> Iterator[bytes]:
            for record in _parsed_records(path, converter.convert):
                if isinstance(record, BadRecord):
                    copies.ledger.add_bad(record)
                    continue
                content, result = record
                counts.update(result.counts)
                yield result.content
                bar.update(record_size(len(content)) / 2**20)

        records = converted()
        if (first := next(records, None)) is not None:
            with whole_path(*copies.targets(name)) as partial:
                write_records(partial, itertools.chain([first], records))
        return counts

    with bar:
        copies.copy(convert_file)
    videos, unlabelled, empty, unequal, values, clipped = map(copies.total, _COUNTS)
    return ConvertSummary(
        len(copies.files),
        from_format,
        features,
        videos,
        unlabelled,
        empty,
        unequal,
        clipped / values if values else 0.0,
        copies.ledger.summary(),
    )


def _source(config: ConvertConfig) -> tuple[str, dict[str, str]]:
    """The format of the records, and the feature lists to convert, by the first good record."""
    path, example = _first_record(config)
    lists = example.feature_lists.feature_list
    try:
        from_format = config.from_format if config.from_format != AUTO else detect(example)
        if from_format == config.to_format == MEDIAPIPE:
            raise ValueError("--to=mediapipe: the records are that already")
        record_format = FORMATS[from_format]
        features = (
            dict(zip(config.feature_keys, config.feature_names, strict=True))
            if config.feature_keys
            else record_format.features_in(lists)
        )
        if not features and (record_format.features or config.to_format == MEDIAPIPE):
            wanted = " or ".join(record_format.features or ("any",))
            raise ValueError(
                f"the first record has no feature list to convert ({wanted}; --feature_keys names "
                f"others); it has {', '.join(sorted(lists)) or 'none'}"
            )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return from_format, features


def _first_record(config: ConvertConfig) -> tuple[str, tf.train.SequenceExample]:
    """The first record that is one, and its file."""
    bad = []
    for path in match_files(config.input_data_pattern, "input_data_pattern"):
        for record in _parsed_records(path, parse_sequence):
            if not isinstance(record, BadRecord):
                return path, record[1]
            bad.append(record)
            if len(bad) > config.max_bad_records:
                raise ValueError(
                    f"more than --max_bad_records={config.max_bad_records} bad records: {record}"
                )
    raise ValueError(f"--input_data_pattern={config.input_data_pattern} has no good record")


def _parsed_records(
    path: str, parse: Callable[[bytes], Parsed]
) -> Iterator[tuple[bytes, Parsed] | BadRecord]:
    """As `parsed_records`, of a `.pb` too."""
    if not path.endswith(_PB):
        yield from parsed_records(path, parse)
        return
    with tf.io.gfile.GFile(path, "rb") as file:
        content = file.read()
    try:
        parsed = parse(content)
    except ValueError as error:
        yield BadRecord(path, 0, str(error))
    else:
        yield content, parsed


def _pcas(config: ConvertConfig, features: Mapping[str, str]) -> dict[str, PCA]:
    """The PCA of each feature that has one, by its name in YouTube-8M."""
    paths = {"rgb": config.rgb_pca, "audio": config.audio_pca}
    pcas = {name: read_pca(path) for name, path in paths.items() if path}
    for name in pcas.keys() - set(features.values()):
        raise ValueError(
            f"--{name}_pca: no feature is called {name}; there are "
            f"{', '.join(features.values()) or 'none'}"
        )
    return pcas
