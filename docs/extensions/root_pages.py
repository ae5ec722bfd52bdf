"""Links of the pages that the site takes from the root of the checkout, such as the README."""

import re
from typing import Any

PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "overview.md",
}
_LINK = re.compile(r"\[([^\]]+)\]\((?!\w+:|#)([^)\s]+)\)")


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("include-read", _include_read)
    return {"parallel_read_safe": True}


def site_links(text: str) -> str:
    """A page's text with links as the site has them; what the site has not is no link."""

    def replace(link: re.Match[str]) -> str:
        words, target = link.groups()
        place = PAGES.get(target, target.removeprefix("docs/") if "docs/" in target else "")
        return f"[{words}]({place})" if place else words

    return _LINK.sub(replace, text)


def _include_read(app: Any, path: Any, docname: str, content: list[str]) -> None:
    content[0] = site_links(content[0])
