"""The command line: programs, flags, progress, interruption."""
