"""python3 -m tests.benchmarks: measures the figures asked for and prints the table; tests/bench builds first."""

import argparse
import http.client
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from tests.benchmarks import common, figures, hub, load, process
from tests.benchmarks.process import Failure

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LONGEST = 720  # seconds; the whole table must be there within twelve minutes


def arguments():
    parser = argparse.ArgumentParser(
        prog="tests/bench", description="The hub's figures, side by side with what they are compared to."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {' '.join(figures.FIGURES)}")
    parser.add_argument("--build", default="build-bench", help="build folder (default %(default)s)")
    parser.add_argument("--seconds", type=int, default=5, help="seconds per run (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each side, median counts (default %(default)s)")
    parser.add_argument("--keep", action="store_true", help="keep the run's folder with states and logs")
    parser.add_argument(
        "--self-test", action="store_true", help="the backend in hubd's place: tests the driver; the figures mean nothing"
    )
    chosen = parser.parse_args()
    for name in chosen.names:
        if name not in figures.FIGURES:
            parser.error(f"no figure {name}; there are {', '.join(figures.FIGURES)}")
    return chosen


def filesystem(folder):
    """Its type; on tmpfs an fsync costs nothing."""
    result = subprocess.run(["stat", "-f", "-c", "%T", folder], capture_output=True, text=True, check=False)
    return result.stdout.strip()


def make_folder():
    folder = tempfile.mkdtemp(prefix="hub-bench-")
    if filesystem(folder) == "tmpfs":
        os.rmdir(folder)
        folder = tempfile.mkdtemp(prefix="hub-bench-", dir="/var/tmp")
    return folder


def describe_machine(folder, chosen):
    model = ""
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    cores = len(os.sched_getaffinity(0))
    print(
        f"machine: {cores} cores {model}, Linux {platform.release()}, state on {filesystem(folder)}, "
        f"load {os.getloadavg()[0]:.2f}"
    )
    versions = (["haproxy", "-v"], ["nginx", "-v"], ["wrk", "-v"])
    print("against: " + "; ".join(" ".join(hub.version(command).split()[:3]) for command in versions))
    print(
        f"clients: loopback, c={load.CONNECTIONS}, keep-alive, {chosen.seconds} s a run, "
        f"median of {chosen.rounds} runs, sides in turn; a run with a failed answer is void"
    )


def print_table(rows):
    head = ("work", "hubd", "against", "ratio", "bound", "ok")
    lines = [head] + [(r.work, r.hubd, r.against, r.ratio, r.bound, "yes" if r.ok else "NO") for r in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def measure(setup, names):
    rows = []
    for name in figures.FIGURES:
        if names and name not in names:
            continue
        setup.say(f"{name}:")
        try:
            rows += figures.FIGURES[name](setup)
        except (Failure, OSError, http.client.HTTPException, LookupError, ValueError) as failure:
            setup.say(f"  {failure!r}" if not isinstance(failure, Failure) else f"  {failure}")
            reason = (str(failure) or repr(failure)).splitlines()[0]
            setup.notes.append(f"{name}: not measured: {reason}")
            rows.append(common.Row(name, "void", "-", "-", "-", False))
        process.stop_all(setup.shared)
    return rows


class Overtime(Exception):
    """The whole took too long."""


def on_alarm(_signal, _frame):
    raise Overtime(f"not done within {LONGEST} s")


def main():
    chosen = arguments()
    build = os.path.abspath(chosen.build)
    folder = make_folder()
    setup = common.Setup(
        folder=folder,
        programs=os.path.join(build, "bin"),
        tools=os.path.join(build, "bench"),
        schema=os.path.join(ROOT, "migrations", "sqlite", "0001_init.sql"),
        seconds=chosen.seconds,
        rounds=chosen.rounds,
        fake=chosen.self_test,
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(LONGEST)
    started = time.monotonic()
    try:
        describe_machine(folder, chosen)
        rows = measure(setup, chosen.names)
        signal.alarm(0)
        print()
        print_table(rows)
        print()
        for note in setup.notes:
            print(f"- {note}")
        ending = " (self-test: these are not hubd's figures)" if chosen.self_test else ""
        print(f"{time.monotonic() - started:.0f} s{ending}")
        return 0 if rows and all(row.ok for row in rows) else 1
    except (Overtime, KeyboardInterrupt) as stop:
        print(f"tests/bench: {stop or 'interrupted'}", file=sys.stderr)
        return 1
    finally:
        signal.alarm(0)
        process.stop_all()
        if chosen.keep:
            print(f"kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
