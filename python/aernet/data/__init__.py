"""Data sets: downloading, checking and splitting them, without torch."""
