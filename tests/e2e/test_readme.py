"""README's ten lines work as pasted: on a clone that is built and not installed, in a bash of a user without a hub."""

import os
import re
import signal
import subprocess

import pytest

from tests.e2e.harness import BIN, DEADLINE, ROOT, accepts, free_port

SECTION = "## Onboarding a partner in ten lines"
ENDLESS = "hubctl audit tail -f"  # runs until Ctrl-C, which a pipe has none of: its rows so far are asked for


def pasted():
    """The lines of the block, as a reader pastes them."""
    text = (ROOT / "README.md").read_text()
    return re.search(r"```sh\n(.*?)```", text[text.index(SECTION):], re.S).group(1).splitlines()


@pytest.fixture
def home(tmp_path):
    """What the user's environment is made of: hubd keeps its state beside it, also where root runs the test. The build folder of
    this run stands where a clone has build/."""
    (tmp_path / "clone" / "build").mkdir(parents=True)
    (tmp_path / "clone" / "build" / "bin").symlink_to(BIN)
    return tmp_path


def environment(home, port):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HUB", "XDG_"))}
    paths = {"HUBD_STATE_DIR": home / "state", "HUBD_ADMIN_SOCKET": home / "s", "HUBCTL_SOCKET": home / "s"}
    return {**kept, **{key: str(path) for key, path in paths.items()}, "HUBD_LISTEN": f"127.0.0.1:{port}", "PATH": "/usr/bin:/bin"}


def test_the_lines_work_as_pasted(home):
    lines = pasted()
    assert len(lines) >= 11 and lines[0].startswith("PATH=") and lines[1].startswith("hubd "), lines
    port = free_port()
    shell = subprocess.Popen(["bash"], cwd=home / "clone", env=environment(home, port), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, start_new_session=True)
    ends = {}
    try:
        script = [line.replace(ENDLESS, ENDLESS.replace("-f", "-n 5")) + f"\necho \"::{number}:$?\"" for number, line in enumerate(lines)]
        # The tool waits for no hub: a reader pastes all at once, and the hub's first line must have been enough.
        shown, _ = shell.communicate("\n".join(script) + "\nkill $!\nwait\n", timeout=6 * DEADLINE)
        ends = {int(number): int(end) for number, end in re.findall(r"^::(\d+):(\d+)$", shown, re.M)}
    finally:
        if shell.poll() is None:
            os.killpg(shell.pid, signal.SIGKILL)
    failed = {lines[number]: end for number, end in ends.items() if end}
    # party check says 6: a partner that has not done its exchange has something to remedy.
    assert len(ends) == len(lines) and all(line.startswith("hubctl party check") and end == 6 for line, end in failed.items()), shown
    assert "command not found" not in shown, shown
    assert not accepts(("127.0.0.1", port)), "the hub ended with its shell"
