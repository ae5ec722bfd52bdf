"""Tables of features by video id: `python -m yt8m_models.embedding.build_features`."""
