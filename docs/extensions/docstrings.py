"""Docstrings as the site reads them: formulas line by line, and a paragraph for each rubric."""

import inspect
import re
from typing import Any

_SECTION = re.compile(r"(Args|Attributes|Raises|Returns|Yields|Example):$")
_LETTER = re.compile(r"(    \w+: \w)\.")  # which would begin an enumeration
_RUBRIC = re.compile(r"(Inputs?|Input and output|Outputs?|Weights|References?): (.*)")


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx. Napoleon, which reads the sections, comes after this."""
    app.connect("autodoc-process-docstring", _process, priority=400)
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-skip-member", _is_skipped)
    return {"parallel_read_safe": True}


def as_rest(lines: list[str]) -> list[str]:
    """A docstring whose indented paragraphs are formulas, as reStructuredText.

    Indented lines of sections such as `Args:` stay as they are.
    """
    written: list[str] = []
    in_section = in_rubric = in_formula = False
    for line in lines:
        if line and not line.startswith(" "):
            rubric = _RUBRIC.match(line)
            in_section, in_rubric = _SECTION.match(line) is not None, rubric is not None
            in_formula = False
            if rubric:
                written += ["", f"**{rubric[1]}:** {rubric[2]}"]
                continue
        elif in_rubric:
            line = line.strip()
        elif line and not in_section and not in_formula and not (written or [""])[-1]:
            in_formula = True
            written += ["::", ""]
        written.append(_LETTER.sub(r"\1\\.", line) if in_section else line)
    return written


def _process(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = as_rest(lines)


def _signature(app: Any, what: str, name: str, obj: Any, *rest: Any) -> tuple[str, None] | None:
    """That of the constructor, which Keras hides behind a `__new__` of any arguments."""
    if what != "class":
        return None
    _, *parameters = inspect.signature(obj.__init__).parameters.values()
    shown = [each.replace(annotation=inspect.Parameter.empty) for each in parameters]
    return str(inspect.Signature(shown)), None


def _is_skipped(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Of a layer, a loss and a Keras metric the class says all; their methods are Keras's."""
    module = getattr(getattr(obj, "fget", obj), "__module__", None) or ""
    is_keras = module.startswith(("yt8m_models.layers", "losses", "eval.keras_metrics"))
    return True if what == "class" and is_keras else None
