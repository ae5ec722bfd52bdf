"""Cold-start retrieval by embeddings: `python -m yt8m_models.embedding.evaluate_retrieval`."""
