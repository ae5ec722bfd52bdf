"""Records of MediaPipe, AudioSet and the 2017 release as YouTube-8M's: `yt8m convert-records`."""
