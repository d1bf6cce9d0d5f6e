"""Neovim's msgpack-RPC over its socket: calls, answered in order. What must not live here: what is asked.

`nvim --remote-expr` does the same with a process for each question; sessions ask some thousands.
"""

import socket
import struct
import time


def pack(value) -> bytes:
    """msgpack of what a call needs: nil, booleans, integers, floats, strings, lists, maps."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return bytes([value]) if 0 <= value < 128 else b"\xd3" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        raw = value.encode("utf-8", "surrogateescape")
        return b"\xdb" + struct.pack(">I", len(raw)) + raw
    if isinstance(value, (list, tuple)):
        return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(pack, value))
    if isinstance(value, dict):
        pairs = b"".join(pack(key) + pack(item) for key, item in value.items())
        return b"\xdf" + struct.pack(">I", len(value)) + pairs
    raise TypeError(f"no msgpack of {type(value)}")


class Incomplete(Exception):
    """More bytes are needed."""


SIZED = {0xC4: ("raw", ">B"), 0xC5: ("raw", ">H"), 0xC6: ("raw", ">I"), 0xD9: ("text", ">B"), 0xDA: ("text", ">H"),
         0xDB: ("text", ">I"), 0xDC: ("list", ">H"), 0xDD: ("list", ">I"), 0xDE: ("map", ">H"), 0xDF: ("map", ">I"),
         0xC7: ("ext", ">B"), 0xC8: ("ext", ">H"), 0xC9: ("ext", ">I")}
FIXED = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}


class Reader:
    """Reads one value after the other from bytes."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise Incomplete
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, form: str):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def of(self, kind: str, count: int):
        if kind == "text":
            return self.take(count).decode("utf-8", "surrogateescape")
        if kind == "list":
            return [self.value() for _ in range(count)]
        if kind == "map":
            return {self.key(): self.value() for _ in range(count)}
        if kind == "ext":
            self.take(1)
        return self.take(count)

    def key(self):
        key = self.value()
        return key if not isinstance(key, (list, dict)) else str(key)

    def value(self):
        byte = self.take(1)[0]
        if byte < 0x80:
            return byte
        if byte >= 0xE0:
            return byte - 256
        if byte < 0x90:
            return self.of("map", byte & 15)
        if byte < 0xA0:
            return self.of("list", byte & 15)
        if byte < 0xC0:
            return self.of("text", byte & 31)
        if byte in FIXED:
            return self.number(FIXED[byte])
        if byte in SIZED:
            kind, form = SIZED[byte]
            return self.of(kind, self.number(form))
        if 0xD4 <= byte <= 0xD8:  # a buffer's, window's or tab's handle
            return Reader(self.take(1 + (1 << (byte - 0xD4)))[1:]).value()
        return {0xC0: None, 0xC2: False, 0xC3: True}[byte]


class CallFailed(Exception):
    """Neovim answered a call with an error."""


class Client:
    """A connection to a Neovim that listens on `address`."""

    def __init__(self, address: str, patience_s: float = 20):
        end = time.monotonic() + patience_s
        while True:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self.socket.connect(address)
                break
            except OSError:
                self.socket.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.005)
        self.buffer, self.count = b"", 0

    def call(self, method: str, *params, timeout_s: float = 20):
        """The answer to a call; notifications that come before it are left out."""
        self.count += 1
        self.socket.settimeout(timeout_s)
        self.socket.sendall(pack([0, self.count, method, list(params)]))
        while True:
            message = self.message()
            if message[0] == 1 and message[1] == self.count:
                if message[2] is not None:
                    raise CallFailed(f"{method}: {message[2]}")
                return message[3]

    def message(self):
        while True:
            reader = Reader(self.buffer)
            try:
                value = reader.value()
                self.buffer = self.buffer[reader.at :]
                return value
            except Incomplete:
                got = self.socket.recv(1 << 16)
                if not got:
                    raise ConnectionError("Neovim has gone") from None
                self.buffer += got

    def close(self):
        self.socket.close()
