"""Embeddings as one more feature of records: `python -m yt8m_models.annotation.join_embeddings`."""
