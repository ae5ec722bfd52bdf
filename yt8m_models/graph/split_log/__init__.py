"""A watch log in two, by time: `yt8m split-log` (see `--help`)."""
