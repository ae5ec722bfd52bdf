"""HTML pages to look at, each one file without external requests."""
