"""Checks the links of a built site that lead into it: `python check_links.py DIR`.

Every page that is linked to must be there, with the place in it; so must every file that a page
shows or loads. Nothing may be loaded from elsewhere, so that the site works without a network.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page links to, what it loads, and the places in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.places: set[str] = {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.add(given["href"])
        elif tag == "link" and {"stylesheet", "icon"} & set(given.get("rel", "").split()):
            self.loaded.add(given.get("href", ""))
        elif "src" in given:
            self.loaded.add(given["src"])


def broken_links(site: Path) -> list[str]:
    """A line for each link or file of the pages of `site` that is not there."""
    site = site.resolve()
    pages = {path: Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    broken = []
    for path, page in pages.items():
        name = path.relative_to(site).as_posix()
        for target in sorted(page.links | page.loaded):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                if target in page.loaded and parts.scheme != "data":
                    broken.append(f"{name} loads {target}, which is not of the site")
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not file.is_file():
                broken.append(f"{name} links to {target}, which is not there")
            elif file in pages and target in page.links and not _has(pages[file], parts.fragment):
                broken.append(f"{name} links to {target}; the page has no such place")
    return broken


def _has(page: Page, fragment: str) -> bool:
    return unquote(fragment) in page.places


if __name__ == "__main__":
    broken = broken_links(Path(sys.argv[1]))
    print("\n".join(broken) or "Every link into the site leads somewhere.")
    sys.exit(bool(broken))
