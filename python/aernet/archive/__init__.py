"""Segments the pictures and videos of whole folders, and writes what is asked for of each."""

from aernet.archive.archive import Archive, Settings

__all__ = ["Archive", "Settings"]
