"""The gallery of a search: a row for each query, as Figure 4 of the CDML paper."""

from collections.abc import Mapping, Sequence

from yt8m_models.report.cards import Card, Score
from yt8m_models.report.csv_rows import read_rows
from yt8m_models.report.page import Page
from yt8m_models.report.related import Related
from yt8m_models.report.section import Section
from yt8m_models.report.thumbnails import Thumbnails

_MOST_CARDS = 1200
_FEW_CARDS = 200


class Gallery:
    """Collects what a search finds, and writes it as a page.

    A page has at most 1,200 videos: the queries that come later are left out, and the page says so.

    Args:
        index_dir: what was searched, for the heading.
        titles: CSV with the columns video_id and title; empty for ids alone.
        thumbnails: directory of the pictures, see `Thumbnails`; empty for none.
        num_cards: videos that there will be, about: more of them have smaller pictures.

    Raises:
        ValueError: the titles lack a column; the message names the file.
        OSError: they cannot be read.
    """

    def __init__(self, index_dir: str, titles: str, thumbnails: str, num_cards: int) -> None:
        self._index_dir = index_dir
        self._titles = read_titles(titles) if titles else {}
        width = 240 if num_cards <= _FEW_CARDS else 160
        self._thumbnails = Thumbnails(thumbnails, width)
        self._rows: list[Related] = []
        self._num_cards = 0
        self._num_left_out = 0

    def add(self, query: str, found: Sequence[tuple[str, float]]) -> None:
        """Adds a query and its videos with their scores, best first."""
        if self._rows and self._num_cards + 1 + len(found) > _MOST_CARDS:
            self._num_left_out += 1
            return
        self._num_cards += 1 + len(found)
        cards = [self._card(video_id, score) for video_id, score in found]
        self._rows.append(Related(self._card(query, None), cards, bool(self._thumbnails)))

    def write(self, path: str) -> None:
        """Writes the page, whole or not at all.

        Raises:
            ValueError: Jinja2 is not installed.
            OSError: it cannot be written.
        """
        note = "Scores are cosines."
        if self._num_left_out:
            note += f" {self._num_left_out:,} further queries are left out."
        section = Section("Most similar videos", self._rows, f"{note} {self._thumbnails.remarks}")
        num = len(self._rows)
        title = f"{num:,} {'query' if num == 1 else 'queries'}"
        Page("Related videos", title, f"Index {self._index_dir}", [section]).write(path)

    def _card(self, video_id: str, score: float | None) -> Card:
        scores = [] if score is None else [Score("", f"{score:.3f}", min(max(score, 0.0), 1.0))]
        title = self._titles.get(video_id, "")
        return Card(video_id, title, self._thumbnails.of(video_id), scores)


def read_titles(path: str) -> Mapping[str, str]:
    """The titles of videos by their ids.

    Raises:
        ValueError: a column is missing, or a line is cut.
        OSError: the file cannot be read.
    """
    rows = read_rows(path, "an id and a title", ("video_id", "title"))
    if rows is None:
        raise OSError(f"--titles={path} cannot be read: there is no such file")
    return {row["video_id"]: row["title"] for row in rows.rows}
