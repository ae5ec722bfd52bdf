"""The program that takes over checkpoints of the original TensorFlow 1 programs."""
