"""Trained models for other programs: SavedModel, MediaPipe, ONNX, LiteRT."""
