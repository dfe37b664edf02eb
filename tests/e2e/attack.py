"""What the tests of attacks share: the hub's memory as the kernel counts it, raw requests, attackers in a process of their own."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.e2e.harness import ROOT
from tests.sim.client import authorization

MIB = 1 << 20
# a sanitizer keeps what was freed and shadows what is there
SANITIZED = any(build in os.environ.get("HUB_BIN", "") for build in ("build-asan", "build-tsan"))


def resident(hub):
    """Bytes of hubd in memory now."""
    text = Path(f"/proc/{hub.process.pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB", text, re.M)[1]) * 1024


def request(method, path, *headers, token=None, body=b""):
    """The bytes of a request; without `Content-Length` or `Transfer-Encoding` among the headers its body's length is added."""
    lines = [f"{method} {path} HTTP/1.1", "Host: hub", *headers]
    if token:
        lines.append(f"Authorization: {authorization(token)}")
    if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def dense(size, width=7):
    """A JSON list of that many bytes, with a value for every `width` of them."""
    return b"[" + b",".join([b"1" * (width - 1)] * (size // width)) + b"]"


CALLBACK = "/ocpi/2.2.1/commands/callback/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
SESSION = "/ocpi/2.2.1/sessions/IN/ABC/S1"
BATCH = 64


def rubbish(method, path, size, **options):
    return request(method, path, "Content-Type: application/json", body=dense(size, width=2), **options)


FLOODS = {
    "callback": (rubbish("POST", CALLBACK, 780_000), 1),
    "callback, within what is read": (rubbish("POST", CALLBACK, 60_000), 1),
    "callback, pipelined": (request("POST", CALLBACK) * BATCH, BATCH),
    "no token": (rubbish("PUT", SESSION, 780_000), 1),
    "a wrong token": (rubbish("PUT", SESSION, 780_000, token="9f0c2d1e-8a7b-4c6d-9e5f-1a2b3c4d5e6f"), 1),
    "a wrong token, pipelined": (request("GET", "/ocpi/2.2.1/sessions", token="9f0c2d1e-8a7b-4c6d-9e5f-1a2b3c4d5e6f") * BATCH, BATCH),
    "no such path, pipelined": (request("GET", "/nothing/here") * BATCH, BATCH),
    "no HTTP, pipelined": (b"GET /ocpi/versions\r\nHost hub\r\n\r\n" * BATCH, 1),
    "heads without an end": (b"GET /ocpi/versions HTTP/1.1\r\nX: " + b"x" * 20_000, 1),
    "too many header lines": (b"GET /ocpi/versions HTTP/1.1\r\n" + b"A: b\r\n" * 2000 + b"\r\n", 1),
}  # fmt: skip


ATTACKER = """
import os, socket, sys, threading
os.nice(5)
port, connections, answers, size = map(int, sys.argv[1:])
data = sys.stdin.buffer.read(size)
mark, answered, heard = b"HTTP/1.1 ", [0] * connections, threading.Event()
def attack(number):
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 60) as peer:
                while True:
                    peer.sendall(data)
                    seen, tail = 0, b""
                    while seen < answers:
                        text = tail + peer.recv(65536)
                        if len(text) == len(tail):
                            raise OSError
                        answered[number] += text.count(mark)
                        seen += text.count(mark)
                        if seen:
                            heard.set()
                        tail = text[1 - len(mark):]
        except OSError:
            pass
for number in range(connections):
    threading.Thread(target=attack, args=(number,), daemon=True).start()
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.buffer.read()
heard.wait(30)
print(sum(answered), flush=True)
os._exit(0)
"""


class Flood:
    """So many connections that send `data`, read its answers and begin again, as fast as they are let, until the block is left.

    They are processes of a low priority, so that they take no time of those who share the machine with them: what slows
    others down is the hub's own work. While stopped they keep their connections as they are."""

    def __init__(self, port, data, answers=1, connections=8):
        self.answered = 0
        self.processes = []
        for _ in range(2):
            arguments = [sys.executable, "-c", ATTACKER, *map(str, (port, connections // 2, answers, len(data)))]
            process = subprocess.Popen(arguments, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.processes.append(process)
            process.stdin.write(data)
            process.stdin.flush()
            assert process.stdout.readline() == b"ready\n"

    def signal(self, number):
        for process in self.processes:
            process.send_signal(number)

    def stop(self):
        self.signal(signal.SIGSTOP)

    def go_on(self):
        self.signal(signal.SIGCONT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.go_on()
        for process in self.processes:
            process.stdin.close()
            self.answered += int(process.stdout.readline() or 0)
            process.stdout.close()
            process.wait(timeout=60)


def cpu_seconds(hub):
    """User and system time that hubd has used so far: the kernel's clock of that process (clock_getcpuclockid, CPUCLOCK_SCHED),
    as /proc counts in ticks of 10 ms."""
    return time.clock_gettime(~hub.process.pid << 3 | 2)
