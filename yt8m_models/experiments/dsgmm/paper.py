"""The figures that the paper reports, from `paper.csv`, to stand beside those measured here.

Source: Kafle et al., Smoothed Gaussian Mixture Models for Video Classification and Recommendation
(arXiv 2012.11673), tables 1 to 5, and of figure 3 the point at γ = 0, which section 4.1.6 gives in
words; its other points and figure 2 are drawn alone. `miech_gap` is what table 3 quotes from Miech
et al. (2017), who had other videos.
"""

from collections.abc import Mapping
from pathlib import Path

from yt8m_models.storage.paper_figures import read_figures

SOURCE = Path(__file__).with_name("paper.csv")


def paper_figures() -> Mapping[tuple[str, str], Mapping[str, float]]:
    """The figures by table and row (the part of the videos, in table 1), and by metric."""
    return read_figures(SOURCE)
