"""audit tail -f under stress: kill -9 of hubd with writers running, readers that do not read, rows that go while they are read."""

import base64
import http.client
import json
import re
import socket
import threading

from tests.e2e.harness import BIN, LONG, SLOW, eventually
from tests.e2e.test_admin import Line
from tests.sim import payloads
from tests.sim.client import authorization

KILLS = 25 if LONG else 4
READERS = 40
SHORT = "1s"


def number(cursor):
    """The row's number: opaque to everybody else."""
    return int(base64.urlsafe_b64decode(cursor + "==").split(b":")[1])


class Writer(threading.Thread):
    """Real-time messages and pushes until it is told to stop; a lost answer is no failure."""

    def __init__(self, pair, name, stop):
        super().__init__(daemon=True)
        self.pair, self.name, self.stop = pair, name, stop

    def run(self):
        count = 0
        while not self.stop.is_set():
            count += 1
            try:
                self.pair.emsp.authorize(f"T{count}", seconds=5)
                self.pair.cpo.put("sessions", payloads.session(self.pair.cpo.party, self.pair.emsp.party, f"{self.name}-{count}"), seconds=5)
            except (OSError, http.client.HTTPException):
                pass  # hubd was killed meanwhile


def push_tariffs(hub, cpo, count):
    """So many audit rows, quickly: one connection, requests sent without waiting for answers."""
    body = json.dumps(payloads.tariff(cpo.party, "TAR-1")).encode()
    head = (
        f"PUT /ocpi/2.2.1/tariffs/IN/{cpo.party.party_id}/TAR-1 HTTP/1.1\r\nHost: hub\r\nAuthorization: {authorization(cpo.hub_token)}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", hub.port), 30) as client, client.makefile("rb") as answers:
        threading.Thread(target=client.sendall, args=((head + body) * count,), daemon=True).start()
        for _ in range(count):
            assert answers.readline().split()[1] in (b"200", b"201")
            length = 0
            while (line := answers.readline().strip().lower()) != b"":
                if line.startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            answers.read(length)


def keeps_what_is_freed():
    """A sanitizer holds freed memory back: then what is in memory says nothing."""
    return re.search(rb"__[at]san_init", (BIN / "hubd").read_bytes()) is not None


def memory(hub):
    """Bytes that hubd has in memory."""
    pages = int(open(f"/proc/{hub.process.pid}/statm").read().split()[1])
    return pages * 4096


def follow_without_reading(hub, **params):
    line = Line(hub)
    line.send(("audit.tail", {"follow": True, **params}))
    return line


def read_rows(line, until):
    """Rows as they were sent, up to one that satisfies `until`."""
    rows = []
    while not rows or not until(rows[-1]):
        row = json.loads(line.lines.readline())["params"]
        if "cursor" in row:
            rows.append(row)
    return rows


def test_kills_while_rows_are_written(new_hub):
    """One -f over kill -9 of hubd, again and again with writers running: every row once, in order, none missing."""
    hub = new_hub()
    pair = hub.pair()
    follow = hub.follow("-n", "1")
    follow.wait(lambda row: row["action"] == "rule.enable", "the row before")
    for turn in range(KILLS):
        stop = threading.Event()
        writers = [Writer(pair, f"S{turn}-{n}", stop) for n in range(3)]
        before = len(follow.journal.all())
        for writer in writers:
            writer.start()
        follow.wait(lambda row: True, "rows of this turn", count=before + 40)
        hub.kill()
        stop.set()
        for writer in writers:
            writer.join()
        hub.restart()
    hub.ok("party", "add", "IN-END", "--role", "CPO")
    follow.wait(lambda row: row["party"] == "IN-END", "the last row")
    shown = [row["cursor"] for row in follow.close()]
    kept = [row["cursor"] for row in hub.audit()]  # more may have come since
    assert shown == kept[kept.index(shown[0]) : kept.index(shown[-1]) + 1]
    assert hub.ctl("audit", "verify").rc == 0


def test_readers_that_do_not_read(new_hub):
    """Many followers that read nothing: hubd's memory stays bounded, all else goes on at once, and who reads at last gets every row once."""
    hub = new_hub()
    pair = hub.pair(rule=False)
    push_tariffs(hub, pair.cpo, 2000 if keeps_what_is_freed() else 8000)
    hub.ok("party", "add", "IN-MID", "--role", "CPO")
    whole = len(hub.ok("--json", "audit", "tail", "-n", "100000").out)
    before = memory(hub)
    lines = [follow_without_reading(hub, last=100000) for _ in range(READERS)]
    reader = hub.follow("-n", "100000")
    push_tariffs(hub, pair.cpo, 200)
    hub.ok("party", "add", "IN-END", "--role", "CPO")
    assert pair.emsp.get("tariffs").outcome == (200, 1000)
    reader.wait(lambda row: row["party"] == "IN-END", "the last row")  # all have had as many turns as this one
    grown = memory(hub) - before
    assert keeps_what_is_freed() or grown < READERS * whole / 2, f"{grown} bytes for readers who would have been sent {READERS * whole}"
    reader.close()
    for line in lines[:3]:
        rows = read_rows(line, lambda row: row["party"] == "IN-END")
        assert [row["cursor"] for row in rows] == [row["cursor"] for row in hub.audit()][: len(rows)]
    hub.stop()  # in order, although the others never read


def test_rows_that_go_before_they_are_read(new_hub):
    """A follower that stands where rows are pruned goes on behind them, without an error and without a repeat."""
    short = f"{1000 * SLOW:g}ms"
    hub = new_hub(audit_retention=short, audit_retention_realtime=short)
    pair = hub.pair(rule=False)
    line = follow_without_reading(hub, last=1)
    push_tariffs(hub, pair.cpo, 3000)  # more than waits for it between hubd and here
    head = hub.one("status")["audit_head"]
    eventually(lambda: hub.one("audit", "verify")["pruned"] > head - 100, "nearly all rows are gone")
    hub.ok("party", "add", "IN-END", "--role", "CPO")
    rows = read_rows(line, lambda row: row["party"] == "IN-END")
    numbers = [number(row["cursor"]) for row in rows]
    assert numbers == sorted(set(numbers))
    assert len(numbers) < numbers[-1] - numbers[0] + 1, "rows went before they were read"


def test_cursor_file_over_kills_and_pruning(new_hub):
    """A script that is stopped and started with its cursor file: every row that is kept is seen once, in order."""
    hub = new_hub(audit_retention_realtime=SHORT)
    pair = hub.pair()
    cursor = hub.directory / "cursor"
    seen = []
    for turn in range(3):
        follow = hub.follow("--cursor-file", cursor, *(("-n", "1") if turn == 0 else ()))
        follow.wait(lambda row: True, "it has begun: with the row before, or those that nobody saw")
        pair.emsp.authorize("T1")
        hub.ok("party", "add", f"IN-{turn}AA", "--role", "CPO")
        follow.wait(lambda row, last=f"IN-{turn}AA": row["party"] == last, "the last row of this turn")
        hub.kill()
        seen += follow.close()
        hub.restart()
        hub.ok("party", "add", f"IN-{turn}BB", "--role", "CPO")  # while nobody looks
        eventually(lambda: not hub.audit(action="token.authorize"), "the authorizations are gone")
    follow = hub.follow("--cursor-file", cursor)
    follow.wait(lambda row: row["party"] == "IN-2BB", "the last row")
    seen = [row["cursor"] for row in seen + follow.close()]
    assert len(seen) == len(set(seen)) and seen == sorted(seen, key=number)
    kept = [row["cursor"] for row in hub.audit() if number(seen[0]) <= number(row["cursor"]) <= number(seen[-1])]
    assert set(kept) <= set(seen)
