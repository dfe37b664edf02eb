"""What the tests of attacks share: the hub's memory as the kernel counts it, raw requests, attackers in a process of their own."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.e2e.harness import ROOT
from tests.sim.client import authorization

MIB = 1 << 20
# a sanitizer keeps what was freed and shadows what is there
SANITIZED = float(os.environ.get("HUB_SLOW", "1")) > 1 and "asan" in os.environ.get("HUB_BIN", "")


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


RUBBISH = """
import http.client, sys, threading
port, count, path, size = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
body = b"[" + b",".join([b"1"] * (size // 2)) + b"]"
def post(number):
    answered = 0
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            while True:
                connection.request("POST", path, body, {"Content-Type": "application/json"})
                connection.getresponse().read()
        except OSError:
            pass
        finally:
            connection.close()
for number in range(count):
    threading.Thread(target=post, args=(number,), daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


class Rubbish:
    """So many connections that post lists of ones there, as fast as they are let, until the block is left."""

    def __init__(self, hub, path, connections=8, size=780_000):
        arguments = [sys.executable, "-c", RUBBISH, str(hub.port), str(connections), path, str(size)]
        self.process = subprocess.Popen(arguments, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()
