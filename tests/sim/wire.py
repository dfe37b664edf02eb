"""The HTTP side of a simulated platform: a small asyncio server that can misbehave, and a journal of what came in.

Everything is bytes under our control, so that an answer may be slow, cut short, huge, reset or not HTTP at all.
"""

import asyncio
import collections
import concurrent.futures
import itertools
import json
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http import HTTPStatus

HEAD_MAX = 256 * 1024
ABSENT = object()
MESSAGE_IDS = ("X-Request-ID", "X-Correlation-ID")


class LoopThread:
    """The one background thread with an asyncio loop on which all simulated platforms of a process live."""

    _lock = threading.Lock()
    _loop = None

    @classmethod
    def loop(cls):
        with cls._lock:
            if cls._loop is None:
                cls._loop = asyncio.new_event_loop()
                threading.Thread(target=cls._loop.run_forever, name="platforms", daemon=True).start()
            return cls._loop

    @classmethod
    def run(cls, coroutine, seconds=10):
        """Runs a coroutine on the loop and waits for its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, cls.loop()).result(seconds)


class Gate:
    """Holds an answer back until somebody opens it (at most `seconds`, so that nothing hangs for ever)."""

    def __init__(self, seconds=60):
        self.seconds = seconds
        self._future = concurrent.futures.Future()

    def open(self):
        if not self._future.done():
            self._future.set_result(None)

    async def passed(self):
        try:
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._future)), self.seconds)
        except asyncio.TimeoutError:
            pass


@dataclass
class Received:
    """One request as it came in. `time` is monotonic seconds; it is the `nth` request on connection number `connection`."""

    time: float
    method: str
    target: str
    headers: dict  # names in lower case
    body: bytes
    connection: int = 0
    nth: int = 1

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def query(self):
        return self.target.partition("?")[2]

    @property
    def json(self):
        """The parsed body; None when there is none or it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def routing(self):
        """(from, to) of the OCPI routing headers as "IN-ABC", None where absent."""

        def party(side):
            country, ident = (self.headers.get(f"ocpi-{side}-{part}") for part in ("country-code", "party-id"))
            return f"{country}-{ident}" if country and ident else None

        return party("from"), party("to")

    def __str__(self):
        return f"{self.method} {self.target} {self.body[:300].decode(errors='replace')}"


class Journal:
    """A list that threads can append to and wait on."""

    def __init__(self, name="journal"):
        self.name = name
        self._items = []
        self._changed = threading.Condition()

    def add(self, item):
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()

    def all(self, where=None):
        with self._changed:
            return [item for item in self._items if where is None or where(item)]

    def wait(self, where=None, count=1, seconds=15, what="an event"):
        """Waits until `count` items match and returns the count-th; AssertionError with all items at the deadline."""
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                found = [item for item in self._items if where is None or where(item)]
                if len(found) >= count:
                    return found[count - 1]
                left = end - time.monotonic()
                if left <= 0:
                    seen = "\n  ".join(str(item) for item in self._items[-30:]) or "nothing"
                    raise AssertionError(
                        f"{self.name}: waited {seconds} s for {what} ({len(found)} of {count}); the last received:\n  {seen}"
                    )
                self._changed.wait(left)


@dataclass
class Reply:
    """An answer. By default HTTP 200 with an OCPI envelope of status_code 1000.

    data    content of `data` (left out when ABSENT); `code` None sends no body at all
    body    these bytes instead of the envelope
    wire    these bytes instead of the whole HTTP answer; the connection is closed after them
    hold    a Gate that must be passed first, or seconds to keep the caller waiting
    drop    "close" or "reset" the connection instead of answering (after `wire`, if given)
    drip    send the answer in pieces of that many bytes with `drip_gap` seconds between them
    before  called (in a thread) while the caller waits; a Reply that it returns is the answer instead
    after   called (in a thread) once the answer is out
    version "1.0": the answer of an old server, which closes the connection behind it
    sized   False: no Content-Length, the answer ends with the connection
    chunk   send the body chunked, in chunks of that many bytes, with the headers `trailers` behind the last one
    cut     only that many bytes of the answer go out (negative: that many are missing), then the connection is closed
    leaves  the connection is closed that many seconds after the answer, which does not say so
    echo    False: the message ids of the request are not repeated
    clock   seconds that the envelope's timestamp is ahead
    """

    http: int = 200
    code: int = 1000
    data: object = ABSENT
    message: str = ""
    headers: dict = field(default_factory=dict)
    body: bytes = None
    wire: bytes = None
    hold: object = None
    drop: str = ""
    drip: int = 0
    drip_gap: float = 0.05
    before: object = None
    after: object = None
    version: str = "1.1"
    sized: bool = True
    chunk: int = 0
    trailers: dict = field(default_factory=dict)
    cut: int = None
    leaves: float = None
    echo: bool = True
    clock: float = 0

    @property
    def keeps(self):
        """Whether the connection can take another request behind this answer."""
        framed = self.sized or self.chunk or self.http == 204
        ends = self.version == "1.0" or self.drop or self.wire is not None or self.cut is not None
        return bool(framed and not ends)

    def payload(self):
        if self.body is not None:
            return self.body
        if self.code is None:
            return b""
        envelope = {"status_code": self.code, "status_message": self.message or ("Success" if self.code < 2000 else "Refused")}
        if self.data is not ABSENT:
            envelope["data"] = self.data
        envelope["timestamp"] = timestamp(self.clock)
        return json.dumps(envelope, ensure_ascii=False).encode()

    def encode(self, request):
        payload = self.payload()
        headers = {"Content-Type": "application/json", **self.headers}
        for name in MESSAGE_IDS:
            if self.echo and name.lower() in request.headers:
                headers.setdefault(name, request.headers[name.lower()])
        if self.chunk:
            headers["Transfer-Encoding"] = "chunked"
            payload = chunked(payload, self.chunk, self.trailers)
        elif self.sized and self.http != 204:
            headers["Content-Length"] = str(len(payload))
        head = f"HTTP/{self.version} {self.http} {HTTPStatus(self.http).phrase}\r\n" + header_lines(headers)
        return (head.encode() + b"\r\n" + payload)[: self.cut]


def header_lines(headers):
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


def chunked(payload, size, trailers):
    """The payload in the chunked coding (RFC 9112 7.1)."""
    parts = (payload[start : start + size] for start in range(0, len(payload), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n" + header_lines(trailers).encode() + b"\r\n"


def timestamp(offset=0.0):
    """An OCPI DateTime: UTC with milliseconds, `offset` seconds from now."""
    moment = datetime.fromtimestamp(time.time() + offset, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


# Ports of servers that are down stay theirs: a hub goes on calling them, and what it says is not for who comes next.
_KEPT = collections.deque(maxlen=256)


def keep_port(port):
    """Bound, without listening: callers are refused, and nobody is given the port; as long as the newest few hundred."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of it may still be ending
    try:
        holder.bind(("127.0.0.1", port))
    except OSError:
        holder.close()  # taken already
        return
    _KEPT.append(holder)


def release_port(port):
    """Before it listens again."""
    for holder in [holder for holder in _KEPT if holder.getsockname()[1] == port]:
        _KEPT.remove(holder)
        holder.close()


class Server:
    """Listens on 127.0.0.1, journals each request and answers with what `answer(request)` returns."""

    def __init__(self, answer, name="platform", port=0):
        self.answer = answer
        self.port = port
        self.journal = Journal(name)
        self.connections = 0  # that were accepted so far
        self._server = None
        self._writers = set()
        self.up()

    @property
    def open(self):
        """How many connections are open."""
        return len(self._writers)

    def up(self):
        """Listens, on the same port as before."""
        if self._server is None:
            LoopThread.run(self._up())

    async def _up(self):
        release_port(self.port)
        self._server = await asyncio.start_server(
            self._connection, "127.0.0.1", self.port, limit=HEAD_MAX, reuse_address=True, backlog=512
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def down(self):
        """Closes the listening socket and every connection: callers are refused from now on."""
        if self._server is not None:
            LoopThread.run(self._down())

    async def _down(self):
        self._server.close()
        await self._server.wait_closed()
        self._server = None
        keep_port(self.port)
        for writer in list(self._writers):
            abort(writer)

    async def _connection(self, reader, writer):
        self._writers.add(writer)
        self.connections += 1
        number = self.connections
        try:
            for nth in itertools.count(1):
                request = await read_request(reader, writer)
                if request is None:
                    break
                request.connection, request.nth = number, nth
                self.journal.add(request)
                if not await self._respond(request, self.answer(request), writer):
                    break
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _respond(self, request, reply, writer):
        """Sends the answer; False when the connection ends here."""
        if reply.before is not None:
            reply = await asyncio.get_running_loop().run_in_executor(None, reply.before) or reply
        if isinstance(reply.hold, Gate):
            await reply.hold.passed()
        elif reply.hold:
            await Gate(reply.hold).passed()
        if reply.wire is not None or reply.cut is not None or not reply.drop:
            output = reply.wire if reply.wire is not None else reply.encode(request)
            size = reply.drip or len(output) or 1
            for start in range(0, len(output), size):
                writer.write(output[start : start + size])
                await writer.drain()
                if reply.drip:
                    await Gate(reply.drip_gap).passed()
        if reply.drop == "reset":
            abort(writer)
        if reply.after is not None:
            threading.Thread(target=reply.after, daemon=True).start()
        if reply.leaves is not None:
            await Gate(reply.leaves).passed()
            return False
        return reply.keeps and request.headers.get("connection", "").lower() != "close"


def abort(writer):
    """Closes at once; the peer sees a reset."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
    writer.transport.abort()


async def read_request(reader, writer):
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        name, before = name.strip().lower(), headers.get(name.strip().lower())
        headers[name] = value.strip() if before is None else f"{before}, {value.strip()}"
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            body += (await reader.readexactly(size + 2))[:-2]
        while await reader.readuntil(b"\r\n") != b"\r\n":
            pass
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(time.monotonic(), method, target, headers, body)


class Script:
    """Answers prepared for one route: they are used up in order, the last one for ever with `forever`."""

    def __init__(self, method, pattern, replies, forever):
        self.method = method
        self.pattern = re.compile(pattern)
        self.replies = list(replies)
        self.forever = forever

    def take(self, request):
        """The next answer when this script is about the request, else None."""
        if not self.replies or self.method not in ("*", request.method) or not self.pattern.search(request.path):
            return None
        reply = self.replies[0] if self.forever and len(self.replies) == 1 else self.replies.pop(0)
        return reply(request) if callable(reply) else reply
