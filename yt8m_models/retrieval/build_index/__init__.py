"""Indices of embeddings: `python -m yt8m_models.retrieval.build_index` (see `--help`)."""
