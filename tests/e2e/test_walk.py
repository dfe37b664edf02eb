"""A fresh reader's walk: the lines that the demo prints at its end, pasted one by one into another terminal, work.

The lines come from the running demo; a line that is added there needs its row here.
"""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.e2e.harness import BIN, ROOT, DEADLINE, SLOW, eventually

LAST = "Ctrl-C. In another terminal:"
ENDLESS = ("audit tail -f", "-m tests.sim")  # run until somebody ends them

# The lines in their order: how each begins or what it holds, and what it shows when it works.
SHOWS = [
    (r"^cd .* && export ", r"^$"),
    (r"^hubctl status$", r"(?m)^parties\tCONNECTED\t2$"),
    (r"^hubctl party list$", r"(?m)^IN-ABC\t.*CONNECTED"),
    (r"^hubctl party check IN-ABC$", r"versions.*\tok\t"),
    (r"^hubctl rule explain IN-XYZ IN-ABC$", r"\tcommands\tSTART_SESSION\ttrue"),
    (r"^hubctl export \| hubctl diff -f -$", r"^no differences\n$"),
    (r"^hubctl audit tail -f$", r"\tcdr\.post\t"),
    (r"/locations\?limit=1'$", r'"status_code":1000'),
    (r"-X PUT .*/authorize$", r'"allowed": ?"ALLOWED"'),
    (r"-X POST .*/_sim/script ", r""),
    (r"-X PUT .*/authorize$", r'"allowed": ?"UNKNOWN"'),
    (r"-X DELETE .*/_sim/script$", r""),
    (r"^hubctl party add IN-NEW ", r"party IN-NEW added"),
    (r"^python3 -m tests\.sim ", r"IN-NEW"),
]


class Demo:
    """tests/demo on a terminal of its own, until it has printed its closing lines."""

    def __init__(self):
        self.shown = b""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ.update({"HUB_BIN": str(BIN), "NO_COLOR": "1", "TERM": "dumb"})
            os.chdir(ROOT)
            os.execv(sys.executable, [sys.executable, "-B", "-m", "tests.sim.demo"])
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        """To the end: a terminal that nobody reads would stop the demo."""
        while True:
            select.select([self.master], [], [])
            try:
                data = os.read(self.master, 65536)
            except OSError:
                data = b""
            if not data:
                return
            self.shown += data

    def text(self):
        return self.shown.decode(errors="replace").replace("\r\n", "\n")

    def lines(self):
        """The closing lines, comments left out."""
        text = eventually(lambda: self.text() if re.search(re.escape(LAST) + r"(.|\n)*tests\.sim --party .*\n", self.text()) else None,
                          "the demo's closing lines", 12 * DEADLINE)
        block = re.sub(r"\x1b\[[0-9;]*m", "", text.partition(LAST)[2])
        return [line for line in block.splitlines() if line and not line.startswith("#")]

    def close(self):
        """Ctrl-C; it must end well."""
        os.kill(self.pid, signal.SIGINT)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.master)
        assert code == 0, self.text()[-4000:]


class Shell:
    """The other terminal: lines go to one bash after the other, with what the first line exports."""

    def __init__(self, setup):
        self.setup = setup

    def run(self, line):
        done = subprocess.run(["bash", "-c", f"{self.setup}\n{line}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60 * SLOW)
        assert done.returncode == 0, f"{line}\n{done.stdout}"
        return done.stdout

    def run_until(self, line, pattern):
        """A line that does not end by itself: what it shows until the pattern is there; then Ctrl-C."""
        child = subprocess.Popen(["bash", "-c", f"{self.setup}\nexec {line}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT)
        shown, end = b"", time.monotonic() + DEADLINE
        while not re.search(pattern, shown.decode(errors="replace")):
            ready, _, _ = select.select([child.stdout], [], [], max(0, end - time.monotonic()))
            data = os.read(child.stdout.fileno(), 65536) if ready else b""
            if not data:
                child.kill()
                raise AssertionError(f"{line}: {pattern!r} never showed: {shown.decode(errors='replace')}")
            shown += data
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=DEADLINE)


@pytest.fixture
def demo():
    running = Demo()
    yield running
    running.close()


def test_closing_lines_work_when_pasted_one_by_one(demo):
    lines = demo.lines()
    shell = Shell(lines[0])
    for line, (kind, shows) in zip(lines, SHOWS, strict=True):
        assert re.search(kind, line), f"{line!r} is not the line that is expected here ({kind!r})"
        if any(word in line for word in ENDLESS):
            shell.run_until(line, shows)
        else:
            shown = shell.run(line)
            assert re.search(shows, shown), f"{line}\n{shown}"
