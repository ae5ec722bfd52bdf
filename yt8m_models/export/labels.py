"""The names of the classes that an export tells of."""

from yt8m_models.prediction.metric_tables import class_names


def labels(vocabulary: str, count: int) -> tuple[str, ...]:
    """The name of each class, on one line; a class without one has its number.

    Args:
        vocabulary: as of `class_names`; or empty for no names.
        count: of the classes.

    Raises:
        ValueError, OSError: as from `class_names`.
    """
    names = class_names(vocabulary) if vocabulary else {}
    return tuple(" ".join(names.get(index, "").split()) or str(index) for index in range(count))
