"""Pages: one HTML file each, with its style, script and pictures inside."""

import base64
import hashlib
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from yt8m_models import __version__
from yt8m_models.program.extras import require
from yt8m_models.report.section import Section
from yt8m_models.storage.whole_file import write_text

_LIBRARIES = ("tensorflow", "keras", "numpy")


@dataclass(frozen=True)
class Page:
    """What a page shows. Every text may be hostile: the templates escape all of them.

    Attributes:
        kind: of what it is, such as `Training`.
        title: the heading.
        source: the directory or file that it shows.
        sections: from the first to the last; those without blocks are left out.
        note: what there is to say of all of them.
    """

    kind: str
    title: str
    source: str
    sections: Sequence[Section]
    note: str = ""

    def html(self) -> str:
        """The page as a document that asks for no other file.

        Raises:
            ValueError: Jinja2 is not installed.
        """
        jinja2 = require("jinja2", extra="report")
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader(__package__),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        script = environment.get_template("page.js").render()
        return str(
            environment.get_template("page.html").render(
                page=self,
                sections=[section for section in self.sections if section.blocks],
                script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
                versions=_versions(),
            )
        )

    def write(self, path: str) -> None:
        """Writes the page, whole or not at all.

        Raises:
            ValueError: Jinja2 is not installed.
            OSError: the file cannot be written.
        """
        write_text(path, self.html())


def _versions() -> dict[str, str]:
    """The versions that the page is written with, by name."""
    found = {"yt8m-models": __version__}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # such as tensorflow-cpu, under another name
            continue
    return {**found, "Python": platform.python_version()}
