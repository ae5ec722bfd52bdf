"""Tables of features by video id: `python -m yt8m_models.features.build_features`."""
