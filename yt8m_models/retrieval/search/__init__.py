"""Search of similar videos: `python -m yt8m_models.retrieval.search` (see `--help`)."""
