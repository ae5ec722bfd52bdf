"""Averaging submission files: `yt8m ensemble`."""
