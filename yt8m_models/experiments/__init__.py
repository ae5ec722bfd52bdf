"""Experiments of the papers, on any data: a program for each set of tables and figures."""
