"""The sample data set: videos of handwritten digits, in the frame-level record format."""
