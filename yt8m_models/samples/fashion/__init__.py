"""A larger sample data set: videos of Fashion-MNIST images, in the frame-level record format."""
