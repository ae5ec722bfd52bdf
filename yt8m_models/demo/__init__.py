"""A page on which a model labels the clips that people drop on it: `yt8m demo` (see `--help`)."""
