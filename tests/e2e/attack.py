"""What the tests of attacks share: the hub's memory as the kernel counts it, raw requests, attackers in a process of their own."""

import os
import re
import signal
import subprocess
import sys
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


ATTACKER = """
import os, socket, sys, threading
os.nice(5)
port, connections, answers, size = map(int, sys.argv[1:])
data = sys.stdin.buffer.read(size)
mark, answered = b"HTTP/1.1 ", [0] * connections
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
                        tail = text[1 - len(mark):]
        except OSError:
            pass
for number in range(connections):
    threading.Thread(target=attack, args=(number,), daemon=True).start()
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.buffer.read()
print(sum(answered), flush=True)
os._exit(0)
"""


class Flood:
    """So many connections that send `data`, read its answers and begin again, as fast as they are let, until the block is left.

    They are processes of a low priority, so that they take no time of those who share the machine with them: what slows
    others down is the hub's own work. While stopped they keep their connections as they are."""

    def __init__(self, hub, data, connections=8, answers=1):
        self.answered = 0
        self.processes = []
        for _ in range(2):
            arguments = [sys.executable, "-c", ATTACKER, *map(str, (hub.port, connections // 2, answers, len(data)))]
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
    """User and system time that hubd has used so far."""
    fields = Path(f"/proc/{hub.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
