"""A page on this machine that labels a clip and shows its neighbours."""
