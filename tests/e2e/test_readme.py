"""The README's lines, as a new user pastes them: in one shell, on a clone that was built."""

import os
import re
import subprocess

from tests.e2e.harness import BIN, DEADLINE, ROOT, free_port

EXPECTED = {"hubctl party check": 6}  # the partner has not done its exchange: the doctor says so


def block(title):
    """The first shell block below a heading."""
    part = (ROOT / "README.md").read_text().partition(f"## {title}\n")[2]
    return re.search(r"```sh\n(.*?)```", part, re.S)[1]


def test_onboarding_in_ten_lines(tmp_path):
    """Every line does what its comment says; the one that never ends by itself stands last."""
    lines = [line for line in block("Onboarding a partner in ten lines").splitlines() if line.strip()]
    assert lines[-1].startswith("hubctl audit tail -f ") and lines[0] == 'PATH="$PWD/build/bin:$PATH"'
    script = ["trap 'kill $!' EXIT"]
    for line in lines[:-1]:
        script += [line, f"echo \"rc $? {line.split('#')[0].strip()}\" | tr -d '\\n'; echo"] if line.startswith("hubctl") else [line]
    script[1] = f'PATH="{BIN}:$PATH"'
    for folder in ("state", "run"):
        (tmp_path / folder).mkdir(mode=0o700)
    environment = {
        "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state"), "XDG_RUNTIME_DIR": str(tmp_path / "run"), "PATH": os.environ["PATH"],
        "HUBD_LISTEN": f"127.0.0.1:{free_port()}", "HUBD_STATE_DIR": str(tmp_path / "state"), "HUBD_ADMIN_SOCKET": str(tmp_path / "run" / "admin.sock"),
        "HUBCTL_SOCKET": str(tmp_path / "run" / "admin.sock"),
    }  # fmt: skip
    done = subprocess.run(["bash", "-c", "\n".join(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=3 * DEADLINE)
    codes = dict(reversed(entry) for entry in re.findall(r"^rc (\d+) (.*)$", done.stdout, re.M))
    assert len(codes) == sum(line.startswith("hubctl") for line in lines) - 1, done
    for line, code in codes.items():
        wanted = next((rc for words, rc in EXPECTED.items() if line.startswith(words)), 0)
        assert int(code) == wanted, (line, done.stdout, done.stderr)
    assert (tmp_path / "xyz.token").stat().st_mode & 0o777 == 0o600
