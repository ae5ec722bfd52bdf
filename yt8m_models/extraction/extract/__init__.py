"""Records of video files: `yt8m extract` (see `--help`)."""
