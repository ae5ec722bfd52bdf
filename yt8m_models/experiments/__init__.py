"""Experiments of the DSGMM paper, on any data: `python -m yt8m_models.experiments.tables`."""
