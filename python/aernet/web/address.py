"""The address at which the server listens, and the names that clients may use for it."""

from __future__ import annotations

import ipaddress
import socket

from aernet.errors import AernetError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names by which every machine means itself."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; port 0 takes any free port.

    Raises:
        AernetError: the address cannot be listened at.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()  # "::" accepts IPv4 as well
        return socket.create_server((host, port), family=family, dualstack_ipv6=both)
    except (OSError, OverflowError, UnicodeError) as error:  # the last of names that no network can have
        reason = getattr(error, "strerror", None) or str(error)
        raise AernetError(
            f"cannot listen at {host} port {port} ({reason}); choose another with --host and --port"
        ) from error


def is_loopback(listening: socket.socket) -> bool:
    """Tell whether only this machine can reach a socket."""
    return ipaddress.ip_address(listening.getsockname()[0]).is_loopback


def own_names(host: str) -> set[str]:
    """Return the names that other machines may use for this one, `host` included, in lower case."""
    name = socket.gethostname().lower()
    return {*LOOPBACK, name, f"{name}.local", host.lower()}


def url(host: str, listening: socket.socket) -> str:
    """Return the address of the page, which any machine that reaches the socket can open."""
    bound, port = listening.getsockname()[:2]
    if ipaddress.ip_address(bound).is_unspecified:
        host = _outward_address() or socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _outward_address() -> str | None:
    """Return the address of this machine on its network, found without sending anything."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # reserved for documentation by RFC 5737
        except OSError:
            return None
        return str(probe.getsockname()[0])
