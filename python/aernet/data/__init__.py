"""Data sets: fetched, checked and split; nothing here needs torch."""
