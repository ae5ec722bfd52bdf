"""What was measured, and its report: `results.csv` and `results.md`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from yt8m_models.storage.text_tables import csv_text, markdown_table
from yt8m_models.storage.whole_file import join, write_text


@dataclass(frozen=True)
class RetrievalResult:
    """How well embeddings of so many bits retrieve in one direction.

    Attributes:
        model: `Embeddings.model`.
        bits: of a dimension.
        bytes_per_video: of a vector.
        direction: `T2E` or `E2T`.
        ndcg: the mean over queries of NDCG@k.
        map: the mean over queries of the average precision over all candidates.
        num_queries: how many were asked.
        num_candidates: how many there are for each.
        num_without_relevant: videos that are no queries, because none of their neighbours is a
            candidate.
        seconds: what it took.
    """

    model: str
    bits: int
    bytes_per_video: int
    direction: str
    ndcg: float
    map: float
    num_queries: int
    num_candidates: int
    num_without_relevant: int
    seconds: float


Results = Mapping[tuple[str, int, str], RetrievalResult]


def write_report(directory: str, results: Results, top_k: int, notes: Sequence[str]) -> None:
    """Writes the files.

    Args:
        directory: receives them.
        results: by the name of the embeddings, bits and direction.
        top_k: of NDCG.
        notes: what the reader of the Markdown table must know.
    """
    fields = list(RetrievalResult.__dataclass_fields__)
    lines = [[name, *vars(result).values()] for (name, _, _), result in results.items()]
    write_text(join(directory, "results.csv"), csv_text(["embedding", *fields], lines))
    text = "\n".join([*notes, "", *results_table(results, top_k)])
    write_text(join(directory, "results.md"), text + "\n")


def results_table(results: Results, top_k: int) -> list[str]:
    """A Markdown table with a line for each of the embeddings and number of bits."""
    directions = list(dict.fromkeys(direction for _, _, direction in results))
    header = ["embedding", "bits", "bytes a video"]
    header += [f"{each} {name}" for each in directions for name in (f"NDCG@{top_k}", "MAP")]
    rows: dict[tuple[str, int], list[str]] = {}
    for (name, bits, _), result in results.items():
        row = rows.setdefault((name, bits), [name, str(bits), f"{result.bytes_per_video:,}"])
        row += [f"{result.ndcg:.4f}", f"{result.map:.4f}"]
    for row in rows.values():  # the directions that are not measured yet come last
        row += ["–"] * (len(header) - len(row))
    return markdown_table(header, list(rows.values()))
