"""Records of YouTube-8M: schemas, readers, patterns of files, and writers of sample data."""
