"""Building the co-watch graph of watch logs: `python -m yt8m_models.embedding.build_graph`."""
