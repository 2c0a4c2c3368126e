"""Where the server listens, and what it is called there."""

from __future__ import annotations

import ipaddress
import socket

from aernet.errors import AernetError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""The names of this machine that mean itself wherever they are said."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; port 0 is any that is free.

    Raises:
        AernetError: it cannot.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()  # "::" is IPv4 as well
        return socket.create_server((host, port), family=family, dualstack_ipv6=both)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AernetError(
            f"cannot listen at {host} port {port} ({reason}); choose another with --host and --port"
        ) from error


def is_loopback(listening: socket.socket) -> bool:
    """Tell whether only this machine reaches a socket."""
    return ipaddress.ip_address(listening.getsockname()[0]).is_loopback


def own_names(host: str) -> set[str]:
    """Return what other machines may call this one, in lower case, and the name that was asked for."""
    name = socket.gethostname().lower()
    return {*LOOPBACK, name, f"{name}.local", host.lower()}


def url(host: str, listening: socket.socket) -> str:
    """Return the address of the page, as another machine can open it if it can reach the socket."""
    bound, port = listening.getsockname()[:2]
    if ipaddress.ip_address(bound).is_unspecified:
        host = _outward_address() or socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _outward_address() -> str | None:
    """Return the address that this machine has towards others; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation, RFC 5737
        except OSError:
            return None
        return str(probe.getsockname()[0])
