"""Search spaces of the papers: `yt8m sweep --recipe=NAME`."""
