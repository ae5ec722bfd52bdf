"""Cold-start retrieval: how good embeddings are at finding what is watched together."""
