"""Whose the admin socket is, and for whom it has a place: strangers stand in nobody's way and nobody is fooled by theirs."""

import os
import stat
import subprocess
import sys

import pytest

from tests.e2e.harness import BIN, SLOW, eventually

NOBODY = 65534
DAEMON = 1
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


def reachable_by_others():
    return all(os.stat(parent).st_mode & stat.S_IXOTH for parent in [BIN, *BIN.parents])


others_can_run = pytest.mark.skipif(not reachable_by_others(), reason="the programs lie in a folder that others cannot enter")

# ---------------------------------------------------------------- places

HOLD = """
import socket, sys
held = []
for _ in range(int(sys.argv[2])):
    client = socket.socket(socket.AF_UNIX)
    client.connect(sys.argv[1])
    held.append(client)
print("held", flush=True)
sys.stdin.read()
"""


class Holder:
    """Another user that opens connections, says nothing and keeps them."""

    def __init__(self, hub, user, count):
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(hub.socket), str(count)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, user=user, group=NOBODY, extra_groups=[],
        )  # fmt: skip
        assert self.process.stdout.readline() == "held\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


@as_root
def test_viewers_leave_places(new_hub):
    """Each viewer has a share, all viewers together leave places: root always finds one, and another viewer while there are some."""
    hub = new_hub(viewer_group="nogroup")
    with Holder(hub, NOBODY, 200):
        assert hub.ctl("status").rc == 0
        second = dict(user=DAEMON, group=NOBODY, extra_groups=[])
        if reachable_by_others():
            assert hub.ctl("status", **second).rc == 0
            refused = hub.ctl("status", user=NOBODY, group=NOBODY, extra_groups=[])
            assert refused.rc != 0 and "too many connections" in refused.err, refused
        users = [Holder(hub, 2000 + n, 100) for n in range(12)]
        try:
            for _ in range(20):
                assert hub.ctl("status").rc == 0
        finally:
            for user in users:
                user.__exit__()


@as_root
def test_admins_leave_places_for_root(new_hub):
    """Members of admin_group are many, too."""
    hub = new_hub(admin_group="nogroup")
    users = [Holder(hub, 2000 + n, 100) for n in range(3)]
    try:
        assert hub.ctl("status").rc == 0
    finally:
        for user in users:
            user.__exit__()


@as_root
def test_strangers_do_not_fill_the_log(new_hub):
    """Where the socket is open to all for its viewers, strangers are turned away at once, with few lines and few rows."""
    hub = new_hub(viewer_group="daemon")
    with Holder(hub, NOBODY, 300):
        assert hub.ctl("status").rc == 0
    lines = [line for line in hub.stderr().splitlines() if "refused connect" in line]
    assert 1 <= len(lines) < 30, lines
    hub.wait_audit(lambda row: row["action"] == "access.refused", "the refusals are rowed")
    assert len(hub.audit(action="access.refused")) < 30


# ---------------------------------------------------------------- whose it is


class Impostor:
    """Listens where hubctl may look, as another user; tells what it was sent."""

    LISTEN = """
import os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
server.listen(8)
print("listens", flush=True)
client, _ = server.accept()
print(len(client.recv(4096)), flush=True)
"""

    def __init__(self, path, user):
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.LISTEN, str(path)], stdout=subprocess.PIPE, text=True, user=user, group=user, extra_groups=[]
        )
        assert self.process.stdout.readline() == "listens\n"

    def end(self):
        self.process.kill()
        return self.process.stdout.read().strip()


def hubctl(*args, user=None, **environment):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "HUBCTL_")) and k != "HOME"}
    who = {} if user is None else dict(user=user, group=user, extra_groups=[])
    return subprocess.run(
        [str(BIN / "hubctl"), *args], env={**clean, **environment}, capture_output=True, text=True, timeout=30 * SLOW, stdin=subprocess.DEVNULL, **who
    )


@as_root
@pytest.mark.parametrize("mode, owner, believed", [
    (0o1777, 0, False), (0o777, 0, False), (0o755, NOBODY, True), (0o777, NOBODY, False), (0o775, DAEMON, False)])  # fmt: skip
def test_a_socket_is_believed_by_its_owner(tmp_path_factory, mode, owner, believed):
    """What listens must be root's, one's own, or belong to whom the folder belongs; a stranger in a folder open to all gets nothing."""
    folder = tmp_path_factory.mktemp("place")
    for parent in [folder, *folder.parents[:3]]:
        if parent != parent.parent and "pytest" in str(parent):
            parent.chmod(0o755)
    path = folder / "admin.sock"
    folder.chmod(0o777)
    impostor = Impostor(path, NOBODY)
    os.chown(folder, owner, owner)
    folder.chmod(mode)
    done = hubctl("-s", str(path), "--timeout", "300ms", "status")
    got = impostor.end()
    if believed:
        assert int(got) > 0, (done, got)
    else:
        assert done.returncode == 3 and "another user listens" in done.stderr and "nothing was sent" in done.stderr, done
        assert got in ("", "0"), got


@as_root
@others_can_run
def test_hubctl_never_looks_into_tmp(tmp_path):
    """Without a runtime folder hubctl goes to the system's socket: what somebody put under /tmp is not asked."""
    done = hubctl("status", user=NOBODY)
    assert done.returncode == 3 and "/tmp/" not in done.stderr and "/run/hubd/admin.sock" in done.stderr, done
    # a variable that came along from another user names no place of one's own
    done = hubctl("status", user=NOBODY, XDG_RUNTIME_DIR=str(tmp_path))
    assert "/run/hubd/admin.sock" in done.stderr, done


def test_default_socket_of_a_user_without_runtime_folder(new_hub):
    """hubd's own default is never below /tmp either: it lies in the state folder, which is its user's own."""
    hub = new_hub(start=False, admin_socket=None, state_dir=None, key_file=None)
    if os.geteuid() == 0 and not reachable_by_others():
        pytest.skip("the programs lie in a folder that others cannot enter")
    home = hub.directory / "home"
    home.mkdir()
    who = {}
    if os.geteuid() == 0:
        os.chown(home, NOBODY, NOBODY)
        who = dict(user=NOBODY, group=NOBODY, extra_groups=[])
    hub.config.chmod(0o644)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "HUB"))}
    process = subprocess.Popen(hub.arguments(), env={**clean, "HOME": str(home)}, stderr=subprocess.PIPE, text=True, **who)
    try:
        expected = home / ".local" / "state" / "hubd" / "admin.sock"

        def version():
            return subprocess.run([str(BIN / "hubctl"), "version"], env={**clean, "HOME": str(home)}, capture_output=True, text=True, **who)

        eventually(lambda: process.poll() is not None or version().returncode == 0, "hubd answers there")
        assert process.poll() is None, process.stderr.read()
        assert expected.is_socket()
    finally:
        process.terminate()
        process.communicate()


# ---------------------------------------------------------------- files that others prepared


def refused_start(hub):
    done = subprocess.run(hub.arguments(), capture_output=True, text=True, timeout=20 * SLOW, stdin=subprocess.DEVNULL)
    return done.returncode, done.stderr


@pytest.mark.parametrize("name", ["hub.lock", "hub.db", "hub.key"])
def test_a_link_in_the_way(new_hub, name):
    """A symbolic link under the name of hubd's own file is not followed, and what it points at stays as it was."""
    hub = new_hub(key_file=None)
    hub.stop()
    file, victim = hub.directory / "state" / name, hub.directory / "victim"
    file.rename(victim)
    before = victim.read_bytes()
    file.symlink_to(victim)
    code, text = refused_start(hub)
    assert code == 78 and name in text and "link" in text, text
    assert victim.read_bytes() == before
    file.unlink()
    victim.rename(file)
    hub.start()


def test_a_state_folder_open_to_all(new_hub):
    """Where everybody may write, everybody may put a database: refused with the remedy."""
    hub = new_hub(start=False)
    state = hub.directory / "state"
    state.mkdir()
    state.chmod(0o777)
    code, text = refused_start(hub)
    assert code == 78 and "chmod o-w" in text and str(state) in text, text
    state.chmod(0o700)
    hub.start()


@as_root
def test_files_of_another_user(new_hub):
    """A lock or key that somebody else owns is theirs to change: refused, named, with the remedy."""
    hub = new_hub()
    hub.stop()
    for path in (hub.directory / "hub.key", hub.directory / "state" / "hub.lock"):
        os.chown(path, NOBODY, NOBODY)
        code, text = refused_start(hub)
        assert code == 78 and path.name in text and "another user" in text and "chown" in text, text
        os.chown(path, 0, 0)
    hub.start()
