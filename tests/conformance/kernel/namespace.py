"""A network namespace with a router in it, of which nobody but this process knows.

The namespace belongs to one thread and has no name: it is gone when the thread has ended and the two devices are closed,
also if the process is killed. Everything that must happen inside is given to that thread; the devices can be read and
written from any.
"""

import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

Result = TypeVar("Result")

PROGRAMS: Final = ("ip", "nft", "conntrack")
"""Debian: iproute2, nftables, conntrack."""

_CLONE_NEWNET: Final = 0x40000000
_TUNSETIFF: Final = 0x400454CA
_IFF_TUN_WITHOUT_HEADER: Final = 0x0001 | 0x1000

_LONGEST_READ: Final = 1 << 16
_QUEUE: Final = 4096
"""How many packets a device holds until they are read."""

_MTU: Final = 65535
"""So that what the kernel has put together from fragments comes out whole, but for IPv6."""


class UnavailableError(Exception):
    """This machine cannot make such a namespace; the text says why."""


class Namespace:
    """A router between two devices, `inside` and `outside`."""

    def __init__(self, inside: tuple[str, ...]) -> None:
        """Make it.

        Args:
            inside: The addresses that are reached by the device `inside`; all others are outside.

        Raises:
            UnavailableError: If a program, a right or a part of the kernel is missing.
        """
        missing = [program for program in PROGRAMS if shutil.which(program) is None]
        if missing:
            raise UnavailableError(f"needs the programs {', '.join(missing)}")
        self._thread = ThreadPoolExecutor(1)
        self.inside = self.outside = -1
        try:
            self.within(self._set_up, inside)
        except (OSError, subprocess.CalledProcessError) as error:
            self.close()
            raise UnavailableError(_told(error)) from error

    def __enter__(self) -> Self:
        """Use it as a context."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove it."""
        self.close()

    def within(self, do: Callable[..., Result], *args: Any) -> Result:
        """Call a function inside, and wait for what it gives."""
        return self._thread.submit(do, *args).result()

    def run(self, *command: str, stdin: str | None = None) -> str:
        """Run a program inside, and give what it prints.

        Raises:
            subprocess.CalledProcessError: If it fails.
        """
        return self.within(_run, command, stdin)

    def set(self, **values: int) -> None:
        """Set kernel parameters by the ends of their names: `set(nf_conntrack_udp_timeout=1)`."""
        self.within(_write, {f"netfilter/{name}": value for name, value in values.items()})

    def read_all(self, device: int) -> list[bytes]:
        """Everything that has come out of a device."""
        packets = []
        while True:
            try:
                packets.append(os.read(device, _LONGEST_READ))
            except BlockingIOError:
                return packets

    def close(self) -> None:
        """Remove it."""
        for device in (self.inside, self.outside):
            if device >= 0:
                os.close(device)
        self.inside = self.outside = -1
        self._thread.shutdown()

    def _set_up(self, inside: tuple[str, ...]) -> None:
        if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, f"a network namespace is refused: {os.strerror(number)}")
        self.inside, self.outside = _open_device("inside"), _open_device("outside")
        # No source is refused for where it comes from, and the router says nothing by itself.
        _write({"ipv4/ip_forward": 1, "ipv4/conf/all/rp_filter": 0, "ipv6/conf/all/forwarding": 1})
        for name in ("inside", "outside"):
            _write({f"ipv4/conf/{name}/rp_filter": 0, f"ipv4/conf/{name}/send_redirects": 0})
            _write({f"ipv6/conf/{name}/addr_gen_mode": 1, f"ipv6/conf/{name}/router_solicitations": 0})
            _run(("ip", "link", "set", name, "mtu", str(_MTU), "txqueuelen", str(_QUEUE), "up"))
        for address in inside:
            _run(("ip", "route", "add", address, "dev", "inside"))
        _run(("ip", "-4", "route", "add", "default", "dev", "outside"))
        _run(("ip", "-6", "route", "add", "default", "dev", "outside"))
        # Whether nftables and tracking are there at all.
        _run(
            ("nft", "-f", "-"),
            "table inet probe { chain c { type filter hook forward priority 0; ct state new accept; }; }",
        )
        _run(("nft", "delete", "table", "inet", "probe"))
        _run(("conntrack", "-C"))


def _open_device(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN_WITHOUT_HEADER))
    except OSError as error:
        os.close(device)
        raise OSError(error.errno, f"a TUN device is refused: {error.strerror}") from error
    return device


def _write(values: dict[str, int]) -> None:
    for name, value in values.items():
        Path("/proc/sys/net", name).write_text(f"{value}\n", encoding="ascii")


def _run(command: tuple[str, ...], stdin: str | None = None) -> str:
    result = subprocess.run(command, input=stdin, check=True, capture_output=True, text=True)
    return result.stdout


def _told(error: OSError | subprocess.CalledProcessError) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"`{' '.join(error.cmd)}` fails: {' '.join(error.stderr.split())}"
    return str(error)
