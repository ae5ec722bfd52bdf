"""McNemar's test on Hit@1; `yt8m significance` compares two prediction files."""
