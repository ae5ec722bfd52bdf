"""Search of similar videos: `yt8m search` (see `--help`)."""
