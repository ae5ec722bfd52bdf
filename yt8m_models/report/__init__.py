"""HTML pages to look at, each one file without external requests.

page, section            a page of sections, and how it is written
facts, table, matrix     blocks of a section, each with a template of its own …
line_chart, spread_chart … the drawings among them
cards, related           … and those with videos
training_page, …         what each kind of directory shows
report/                  the program `yt8m report`
"""
