"""Labels of video files: `yt8m label` (see `--help`)."""
