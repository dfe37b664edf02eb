"""Runs a simulated platform: python3 -m tests.sim --party CPO:IN-ABC --hub http://127.0.0.1:8080 --initial-token-file FILE

Registers itself when an initial token is given, prints each request it gets as one JSON line, and ends on
SIGINT or SIGTERM. Its answers can be scripted while it runs:

  curl -X POST http://127.0.0.1:PORT/_sim/script -d '{"method":"PUT","path":"authorize","reply":{"http":500,"code":3000},"forever":true}'
  curl -X DELETE http://127.0.0.1:PORT/_sim/script
"""

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from tests.sim.platform import Party, Platform


def main():
    parser = argparse.ArgumentParser(prog="tests.sim", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--party", action="append", required=True, metavar="ROLE:ID", help="such as CPO:IN-ABC; repeatable")
    parser.add_argument("--hub", default="http://127.0.0.1:8080", help="base URL of the hub")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: any free one)")
    parser.add_argument("--initial-token-file", type=Path, help="register with the token in this file")
    parser.add_argument("--raw", action="store_true", help="send and accept tokens raw instead of in Base64")
    parser.add_argument("--auto-result", metavar="RESULT", help="post this CommandResult after each accepted command")
    options = parser.parse_args()
    parties = [Party.parse(text.partition(":")[2], text.partition(":")[0].upper()) for text in options.party]
    forms = {"encodings": ["raw"], "sends": "raw"} if options.raw else {}
    platform = Platform(options.hub, *parties, port=options.port, **forms)
    platform.auto_result = options.auto_result
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    note(event="listening", url=platform.url, parties=[party.id for party in parties])
    if options.initial_token_file:
        platform.register(options.initial_token_file.read_text().strip())
        note(event="registered", hub=options.hub)
    shown = 0
    while not stop.is_set():
        for request in platform.journal.all()[shown:]:
            shown += 1
            note(event="request", method=request.method, target=request.target, body=request.body.decode(errors="replace"))
        stop.wait(0.1)
    platform.close()
    return 0


def note(**fields):
    print(json.dumps(fields, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    sys.exit(main())
