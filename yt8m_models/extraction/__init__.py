"""Video files to features, records and labels."""
