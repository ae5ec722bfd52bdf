"""Tables of features by video id: `yt8m build-features`."""
