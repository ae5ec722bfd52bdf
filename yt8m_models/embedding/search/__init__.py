"""Search of similar videos: `python -m yt8m_models.embedding.search` (see `--help`)."""
