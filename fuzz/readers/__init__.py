"""The readers of foreign bytes, one a file.

Each module has `read(data, folder)`: it hands `data` to the package as a stranger's file or message would
come, with an empty `folder` to write into. Only an `AernetError` may come out of it, which is a refusal.
`seeds()` returns small inputs by their names, most of them sound; `fuzz/seeds.py` writes them.
"""
