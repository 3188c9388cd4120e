"""A kernel packet filter (BPF) that drops new connections from blocked addresses.

A classic BPF program on the listening sockets checks the source address of each packet. Only Linux has it, and it needs
no administrator rights. It does not affect open connections.
"""

import ctypes
import socket
import struct
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network
from typing import Final, TypeAlias

IS_HERE: Final = sys.platform == "linux"
# A kernel program has at most 4,096 instructions; further addresses are not dropped.
MOST_ADDRESSES: Final = 256

_Instruction: TypeAlias = tuple[int, int, int, int]
_ATTACH, _DETACH = 26, 27
# Operations: load a byte or a word, and, jump, jump if equal, return.
_LOAD_BYTE, _LOAD, _AND, _JUMP, _IF_EQUAL, _RETURN = 0x30, 0x20, 0x54, 0x05, 0x15, 0x06
# The offset of the IP header, however far the kernel has read.
_NET: Final = 0xFFF0_0000
_SOURCE_4, _SOURCE_6 = _NET + 12, _NET + 8
_DROP: Final = (_RETURN, 0, 0, 0)
_PASS: Final = (_RETURN, 0, 0, 0xFFFF_FFFF)


def drop_new_connections(listener: socket.socket, addresses: Collection[str]) -> None:
    """Drops new connections of exactly these addresses from now on: IPv4, or IPv6 networks of one household (/64).

    Raises OSError if the kernel does not allow it.
    """
    networks = [network for network in map(_network, addresses) if network is not None][:MOST_ADDRESSES]
    if not networks:
        with suppress(FileNotFoundError):
            listener.setsockopt(socket.SOL_SOCKET, _DETACH, 0)
        return
    program = b"".join(struct.pack("HBBI", *one) for one in _program(networks))
    buffer = ctypes.create_string_buffer(program, len(program))
    listener.setsockopt(socket.SOL_SOCKET, _ATTACH, struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer)))


def _network(address: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(address)
    except ValueError:
        return None


def _program(networks: Collection[IPv4Network | IPv6Network]) -> Iterator[_Instruction]:
    fours = list(_drop_of_4([one.network_address for one in networks if isinstance(one, IPv4Network)]))
    yield from ((_LOAD_BYTE, 0, 0, _NET), (_AND, 0, 0, 0xF0), (_IF_EQUAL, 1, 0, 0x40), (_JUMP, 0, 0, len(fours)))
    yield from fours
    for one in networks:
        if isinstance(one, IPv6Network):
            high, low = struct.unpack(">II", one.network_address.packed[:8])
            yield from ((_LOAD, 0, 0, _SOURCE_6), (_IF_EQUAL, 0, 3, high))
            yield from ((_LOAD, 0, 0, _SOURCE_6 + 4), (_IF_EQUAL, 0, 1, low), _DROP)
    yield _PASS


def _drop_of_4(addresses: Collection[IPv4Address]) -> Iterator[_Instruction]:
    yield (_LOAD, 0, 0, _SOURCE_4)
    for address in addresses:
        yield from ((_IF_EQUAL, 0, 1, int(address)), _DROP)
    yield _PASS
