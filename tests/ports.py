"""Ports for servers that must be told theirs."""

import random
import socket
from contextlib import suppress


def free_port(host="127.0.0.1"):
    """Return a port that is free, and that no system gives to a program that asks for any."""
    for port in random.sample(range(20000, 32000), 100):
        with socket.socket() as trial, suppress(OSError):
            trial.bind((host, port))
            return port
    raise OSError(f"{host}: none of 100 ports is free")
