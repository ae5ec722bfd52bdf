"""GLMix from the command line: `yt8m glmix` (see `--help`)."""
