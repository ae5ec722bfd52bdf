"""Cold-start retrieval by embeddings: `yt8m evaluate-retrieval`."""
