"""Training an embedding on triplets."""
