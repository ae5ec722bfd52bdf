"""Building the co-watch graph of watch logs: `yt8m build-graph`."""
