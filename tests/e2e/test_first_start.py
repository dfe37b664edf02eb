"""The first start, cut off anywhere, begins again; a key whose database is gone is no first start."""

import os
import shutil
import signal
import subprocess

import pytest

from tests.e2e.harness import SLOW, accepts, eventually
from tests.e2e.meddle import environment

POINTS_MAX = 500


def begin(hub, **more):
    return subprocess.Popen(hub.arguments(), env={**os.environ, **environment(**more)}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(hub.log, "ab"))


def is_up(hub, process):
    """Up, or ended."""
    return process.poll() is not None or (hub.socket.exists() and accepts(hub.socket))


def end(process):
    process.kill()
    process.wait()


def test_cut_off_anywhere(new_hub):
    """Killed before each change that a first start makes to its files, and started again: up, with a key and a database that belong together."""
    hub = new_hub(start=False, key_file=None)
    state = hub.directory / "state"
    points = 0
    for point in range(1, POINTS_MAX):
        shutil.rmtree(state, ignore_errors=True)
        hub.socket.unlink(missing_ok=True)
        cut = begin(hub, HUB_TEST_CUT=str(point))
        eventually(lambda: is_up(hub, cut), "it is up or cut off")
        if cut.poll() is None:
            end(cut)
            break
        assert cut.returncode == -signal.SIGKILL, (point, hub.stderr())
        points += 1
        again = begin(hub)
        eventually(lambda: is_up(hub, again), "it is up")
        assert again.poll() is None, (point, hub.stderr())
        assert (state / "hub.key").exists() and not (state / "hub.key.new").exists(), point
        end(again)
    assert points > 20, points
    hub.start()
    assert hub.ctl("party", "add", "IN-ABC", "--role", "CPO").rc == 0
    assert hub.ctl("audit", "verify").rc == 0


def test_cut_off_again_and_again(new_hub):
    """The same without anybody clearing up between: each start gets a step further than the last at least, and the last one is up."""
    hub = new_hub(start=False, key_file=None)
    for point in range(1, POINTS_MAX, 3):
        cut = begin(hub, HUB_TEST_CUT=str(point))
        eventually(lambda: is_up(hub, cut), "it is up or cut off")
        if cut.poll() is None:
            end(cut)
            break
        assert cut.returncode == -signal.SIGKILL, (point, hub.stderr())
    hub.start()
    assert hub.ctl("status").rc == 0


def refused(hub):
    done = subprocess.run(hub.arguments(), capture_output=True, text=True, timeout=20 * SLOW, stdin=subprocess.DEVNULL)
    return done.returncode, done.stderr


@pytest.mark.parametrize("lost", ["all of the database", "the file alone", "emptied", "the folder"])
def test_a_key_without_its_database(new_hub, lost):
    """Lost state does not look like a new hub: refused with what helps, and nothing is made or changed."""
    hub = new_hub()
    hub.ok("party", "add", "IN-ABC", "--role", "CPO")
    hub.stop()
    state = hub.directory / "state"
    kept = hub.directory / "kept"
    shutil.copytree(state, kept)
    if lost == "the folder":
        shutil.rmtree(state)  # not mounted
    elif lost == "emptied":
        os.truncate(state / "hub.db", 0)
    else:
        for path in state.glob("hub.db*" if lost == "all of the database" else "hub.db"):
            path.unlink()
    code, text = refused(hub)
    assert code == 78 and str(hub.settings["key_file"]) in text and "backup" in text and "move the key away" in text, text
    shutil.rmtree(state, ignore_errors=True)
    kept.rename(state)
    hub.start()
    assert hub.one("party", "show", "IN-ABC")["id"] == "IN-ABC"


def test_a_new_database_is_told(new_hub):
    """Loudly at the first start, not at the next; with the key moved away as told, a hub begins anew."""
    hub = new_hub()
    told = "a new, empty database was made"
    assert len([line for line in hub.stderr().splitlines() if told in line and " warn " in line]) == 1
    hub.stop()
    hub.restart()
    assert hub.stderr().count(told) == 1
    hub.stop()
    shutil.rmtree(hub.directory / "state")
    hub.settings["key_file"].rename(hub.directory / "old.key")
    hub.restart()
    assert hub.stderr().count(told) == 2


def test_a_key_prepared_by_hand(new_hub):
    """A key that is to be used for an empty hub is given under its first name."""
    hub = new_hub(start=False)
    prepared = hub.directory / "hub.key.new"
    prepared.touch(0o600)
    prepared.write_text("0123456789abcdef" * 4 + "\n")
    hub.start()
    assert hub.settings["key_file"].read_text() == "0123456789abcdef" * 4 + "\n" and not prepared.exists()


def test_an_older_database(new_hub):
    """A copy put back is whole in itself; a head that was written down shows that it is not the newest."""
    hub = new_hub()
    hub.ok("party", "add", "IN-ABC", "--role", "CPO")
    first = hub.one("audit", "verify")
    hub.stop()
    shutil.copytree(hub.directory / "state", hub.directory / "old")
    hub.restart()
    hub.ok("party", "add", "IN-XYZ", "--role", "EMSP")
    second = hub.one("audit", "verify")
    for row in (first, second):
        for head in (row["head"], row["head"].upper(), f"{row['rows']}:{row['head']}"):
            assert hub.ctl("audit", "verify", "--head", head).rc == 0, head
    swapped = hub.ctl("--json", "audit", "verify", "--head", f"1:{second['head']}")
    assert swapped.rc == 6 and swapped.json[-1]["bad_row"] == 1 and "not the one" in swapped.json[-1]["problem"]
    for bad in ("", "7", "x" * 64, f"0:{first['head']}", f"{first['head']}0", f":{first['head']}"):
        assert hub.ctl("audit", "verify", "--head", bad).rc in (1, 2), bad
    hub.stop()
    shutil.rmtree(hub.directory / "state")
    (hub.directory / "old").rename(hub.directory / "state")
    hub.restart()
    assert hub.ctl("audit", "verify").rc == 0
    assert hub.ctl("audit", "verify", "--head", first["head"]).rc == 0
    for head in (second["head"], f"{second['rows']}:{second['head']}"):
        older = hub.ctl("--json", "audit", "verify", "--head", head)
        assert older.rc == 6 and older.json[-1]["ok"] is False and "older copy" in older.json[-1]["problem"], older
