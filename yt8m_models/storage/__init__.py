"""Where results are kept: file systems, whole files, tables as text."""
