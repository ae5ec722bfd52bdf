"""What is in record files: level, features, label statistics and corrupt records."""
