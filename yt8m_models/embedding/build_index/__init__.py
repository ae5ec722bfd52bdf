"""Indices of embeddings: `python -m yt8m_models.embedding.build_index` (see `--help`)."""
