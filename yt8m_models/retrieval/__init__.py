"""Similar videos: indices of embeddings, search and its quality."""
