"""A hubd that is only its admin socket and answers what a test tells it to: of another age, broken, endless."""

import json
import re
import shutil
import socket
import struct
import tempfile
import threading
from pathlib import Path

from tests.e2e.harness import Hub


class Listener:
    """A Unix socket; `serve(connection)` runs in a thread for each connection, which it closes."""

    def __init__(self, path, serve):
        self.serve = serve
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen(16)
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def close(self):
        """Not before its thread has ended: the next listener may get the number of this socket."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()


class FakeHubd:
    """`answer(request)` gives what goes back: one object or an iterable of them (dicts, or bytes as they are); None hangs up.

    Its `ctl`, `ok`, `rows`, `one` are those of a real hub."""

    ctl, ok, rows, one = Hub.ctl, Hub.ok, Hub.rows, Hub.one

    def check_documented(self, args, text):
        """What it answers is the test's own business."""

    def __init__(self, answer):
        self.answer = answer
        self.requests = []
        self.directory = Path(tempfile.mkdtemp(prefix="hub-fake-"))
        self.socket = self.directory / "admin.sock"
        self.changed = threading.Condition()
        self.listener = Listener(self.socket, self._serve)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _serve(self, connection):
        self.peer = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        with connection, connection.makefile("rb") as lines:
            for line in lines:
                request = json.loads(line)
                with self.changed:
                    self.requests.append(request)
                    self.changed.notify_all()
                answer = self.answer(request)
                if answer is None:
                    return
                try:
                    for part in [answer] if isinstance(answer, (dict, bytes)) else answer:
                        connection.sendall(part if isinstance(part, bytes) else json.dumps(part).encode() + b"\n")
                except OSError:
                    return  # hubctl has gone

    def wait_request(self, seconds):
        """The first request."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.requests, seconds), "hubctl asks nothing"
        return self.requests[0]

    def peak_memory(self):
        """Bytes that the hubctl of the newest connection has had in memory at most."""
        return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.peer}/status").read_text())[1]) * 1024


def result(request, value):
    return {"jsonrpc": "2.0", "id": request["id"], "result": value}


def error(request, number, message, **data):
    return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": number, "message": message, "data": data}}


def row(request, value):
    """A row of a streaming method."""
    return {"jsonrpc": "2.0", "method": request["method"], "params": value}
