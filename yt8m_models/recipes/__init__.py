"""The papers' settings as files of flags, `NAME.flags`: `yt8m train --recipe=NAME`.

A file begins with its commands, its source, the score of its source, and how long it takes.
"""
