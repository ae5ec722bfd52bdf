"""Pages of trainings, experiments, extractions and retrieval: `yt8m report` (see `--help`)."""
