"""Splitting records in two by a hash of the video id: `yt8m split`."""
