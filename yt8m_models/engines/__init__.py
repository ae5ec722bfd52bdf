"""Engines beyond this process: sessions of Spark, and how work is spread over their workers."""
