"""Labels of videos from block PCA, experts and embeddings."""
