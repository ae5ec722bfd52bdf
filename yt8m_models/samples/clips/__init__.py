"""A sample of video files: short clips of three scenes, with their labels."""
