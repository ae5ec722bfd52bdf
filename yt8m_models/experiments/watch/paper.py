"""The figures that the paper reports, from `paper.csv`, to stand beside those measured here.

Source: Kafle et al., Smoothed Gaussian Mixture Models for Video Classification and Recommendation
(arXiv 2012.11673), tables 6 and 7: by how much the AUC is larger than that of the table's first
row, as a share of it. The paper has no AUC itself, as the watches are LinkedIn's.
"""

from collections.abc import Mapping
from pathlib import Path

from yt8m_models.storage.paper_figures import read_figures

SOURCE = Path(__file__).with_name("paper.csv")


def paper_figures() -> Mapping[tuple[str, str], Mapping[str, float]]:
    """The figures by table and row, and by metric."""
    return read_figures(SOURCE)
