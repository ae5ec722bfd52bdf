"""Checks of arguments that the metrics share."""


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raises a `ValueError` unless the argument is one of the choices."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; received {value!r}")


def check_positive(name: str, value: int) -> None:
    """Raises a `ValueError` unless the argument is at least 1."""
    if value < 1:
        raise ValueError(f"{name} must be at least 1; received {value}")
