"""Building the co-watch graph of watch logs: `python -m yt8m_models.graph.build_graph`."""
