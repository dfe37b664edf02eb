"""Child processes: started, watched and ended by their pid."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time


class Failure(Exception):
    """A figure cannot be measured; the text says why."""


_children = []
TICKS = os.sysconf("SC_CLK_TCK")


def free_ports(count):
    """That many different ones."""
    socks = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in socks]
    for sock in socks:
        sock.close()
    return ports


def free_port():
    return free_ports(1)[0]


def program(name):
    """The path of an installed program."""
    found = shutil.which(name)
    if found is None:
        raise Failure(f"{name} is not installed (tests/bench installs it)")
    return found


class Child:
    """One process. Its output goes to a log file in the run's folder, whose end is shown when it dies early."""

    def __init__(self, name, command, folder, env=None):
        self.name = name
        self.log = os.path.join(folder, f"{name}.log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=env)
        self.pid = self.process.pid
        _children.append(self)

    def log_tail(self):
        with open(self.log, "rb") as log:
            return log.read()[-1500:].decode(errors="replace").strip()

    def check_alive(self):
        if self.process.poll() is not None:
            raise Failure(f"{self.name} ended with {self.process.returncode}:\n{self.log_tail()}")

    def wait_for_port(self, port, listening=True, seconds=15):
        """Until something listens there, or nothing does."""
        deadline = time.monotonic() + seconds
        while True:
            self.check_alive()
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                found = True
            except OSError:
                found = False
            if found == listening:
                return
            if time.monotonic() > deadline:
                state = "does not listen" if listening else "still listens"
                raise Failure(f"{self.name} {state} on port {port}:\n{self.log_tail()}")
            time.sleep(0.02)

    def signal(self, number):
        self.check_alive()
        self.process.send_signal(number)

    def family(self):
        """Its pid and those of its children (nginx and haproxy work in theirs)."""
        pids = [self.pid]
        for pid in pids:
            try:
                with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
                    pids.extend(int(child) for child in children.read().split())
            except OSError:
                pass
        return pids

    def cpu_seconds(self):
        """User and system time used so far."""
        ticks = 0
        for pid in self.family():
            with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
                fields = stat.read().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS

    def memory_mib(self, key):
        """VmRSS or VmHWM in MiB."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return int(re.search(rf"^{key}:\s+(\d+) kB", status.read(), re.M).group(1)) / 1024

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def stop(self, seconds=15):
        """SIGTERM, then SIGKILL; True when it ended by itself with 0 or by the signal."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self in _children:
            _children.remove(self)
        return self.process.returncode in (0, -signal.SIGTERM)

    def kill(self):
        """SIGKILL: nothing of it ends in order."""
        self.process.kill()
        self.stop()


def stop_all(keep=()):
    """Ends every process that was started, but those to keep (whatever has a pid)."""
    pids = [one.pid for one in keep]
    for child in reversed(list(_children)):
        if child.pid not in pids:
            child.stop(seconds=3)


def run(name, command, timeout, env=None):
    """A tool that ends by itself; its stdout. A failure is a Failure with what it said."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=env, check=False)
    except subprocess.TimeoutExpired:
        raise Failure(f"{name} did not end within {timeout:.0f} s") from None
    if result.returncode != 0:
        text = (result.stderr.strip() + "\n" + result.stdout.strip()).strip()
        raise Failure(f"{name} ended with {result.returncode}: {text[-1500:]}")
    return result.stdout
