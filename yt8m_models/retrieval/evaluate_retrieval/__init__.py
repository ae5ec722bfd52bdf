"""Cold-start retrieval by embeddings: `python -m yt8m_models.retrieval.evaluate_retrieval`."""
