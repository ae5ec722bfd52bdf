"""Personal recommendation from watch histories: `yt8m recommend`."""
