"""Embeddings of many videos: `python -m yt8m_models.embedding.embed` (see `--help`)."""
