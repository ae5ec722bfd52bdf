"""The universal background model: a Gaussian mixture of the frames of many videos."""
