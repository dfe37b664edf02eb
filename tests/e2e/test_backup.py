"""hubctl backup: a copy of everything while the hub goes on, what it is restored to, and all that can be in its way."""

import os
import shutil
import subprocess
import threading

import pytest

from tests.e2e.harness import Hub, Line, eventually
from tests.sim import payloads

NOBODY = 65534
LARGE = "x" * (2 << 20)
LARGES = 24


@pytest.fixture(scope="module")
def filled(hub):
    """A pair on a hub that holds enough for a backup to take its time; the eMSP is down, so that its deliveries wait."""
    pair = hub.pair()
    pair.emsp.down()
    for number in range(LARGES):
        cdr = payloads.cdr(pair.cpo.party, pair.emsp.party, f"LARGE-{number}", vendor_data=LARGE)
        assert pair.cpo.call("POST", "cdrs", cdr).outcome == (201, 1000)
    return pair


class Pusher(threading.Thread):
    """Pushes session after session until it is told to stop; `kept` are those acknowledged."""

    def __init__(self, pair, name):
        super().__init__(daemon=True)
        self.pair, self.prefix, self.kept, self.ending = pair, name, [], threading.Event()

    def run(self):
        number = 0
        while not self.ending.is_set():
            ident = f"{self.prefix}-{number}"
            answer = self.pair.cpo.put("sessions", payloads.session(self.pair.cpo.party, self.pair.emsp.party, ident))
            assert answer.outcome == (201, 1000)
            self.kept.append(ident)
            number += 1


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def restored(backup, hub):
    """A hub on its own state directory with the backup and the first hub's key."""
    other = Hub(key_file=hub.settings["key_file"])
    state = other.settings["state_dir"]
    state.mkdir(mode=0o700)
    shutil.copyfile(backup, state / "hub.db")
    return other


def test_restored_under_load(hub, filled, tmp_path):
    """Taken while sessions are pushed, to a relative path: a hub on it has every session that was acknowledged before, parties, rules,
    tokens and deliveries, a whole audit, and delivers."""
    pushers = [Pusher(filled, f"P{n}") for n in range(3)]
    for pusher in pushers:
        pusher.start()
    eventually(lambda: all(len(pusher.kept) > 5 for pusher in pushers), "sessions are being pushed")
    before = {ident for pusher in pushers for ident in list(pusher.kept)}
    result = hub.ok("backup", "copy.db", cwd=tmp_path)
    for pusher in pushers:
        pusher.ending.set()
    for pusher in pushers:
        pusher.join()
    tried = sum(len(pusher.kept) for pusher in pushers)
    assert tried > len(before), "nothing was pushed meanwhile"

    copy = tmp_path / "copy.db"
    assert left(tmp_path) == ["copy.db"] and copy.stat().st_mode & 0o7777 == 0o600
    assert result.out == f"backup {copy} written, {copy.stat().st_size / 2**20:.1f} MiB, without the key {hub.settings['key_file']}\n" and result.err == ""
    row = hub.audit(action="backup", status="ok")[-1]
    assert row["actor"].startswith(f"uid:{os.getuid()} ") and row["detail"] == {"file": str(copy), "bytes": copy.stat().st_size}

    shown = [("party", "show", filled.cpo.id), ("receiver", "list"), ("rule", "list"), ("token", "list"), ("limit", "list")]
    first = [hub.ok("--json", *words).out for words in shown[1:]]
    with restored(copy, hub) as other:
        assert [other.ok("--json", *words).out for words in shown[1:]] == first
        assert other.one(*shown[0])["name"] == hub.one(*shown[0])["name"]
        held = {row["id"] for row in other.rows("object", "list", "session", "--limit", "100000")}
        assert before <= held, f"acknowledged before the backup and not in it: {sorted(before - held)}"
        waiting = {row["object"] for row in other.rows("delivery", "list", "--limit", "100000") if row["module"] == "sessions"}
        assert waiting == held, "a session without its delivery, or the reverse"
        assert other.ctl("audit", "verify").rc == 0
        filled.emsp.up()
        other.ok("delivery", "retry", "--all")
        for ident in before:
            filled.emsp.wait("PUT", f"/sessions/.*/{ident}$", seconds=60)
        filled.emsp.down()
    assert hub.ctl("audit", "verify").rc == 0


def test_json_quiet_and_hints(hub, tmp_path):
    """What scripts read; on a terminal the key's place is a hint (as JSON here)."""
    copy = tmp_path / "one.db"
    answer = hub.one("backup", copy)
    assert answer["id"] == str(copy) and answer["change"] == "written" and answer["bytes"] == copy.stat().st_size
    assert str(hub.settings["key_file"]) in answer["hints"][0] and "backup -h" in answer["hints"][1]
    assert hub.ok("-q", "backup", tmp_path / "two.db").out == f"{tmp_path / 'two.db'}\n"
    told = hub.ok("backup", "-h").out
    assert all(word in told for word in ("hub.db-wal", "hub.key", "To restore"))


def refused(hub, file, message, hint="", rc=1, **options):
    result = hub.ctl("backup", file, **options)
    assert result.rc == rc and message in result.err and hint in result.err and result.out == "", result
    return result


def test_refusals(hub, tmp_path):
    """Nothing is overwritten, nothing made where it cannot be; each says why and what to do."""
    there, rows = tmp_path / "there.db", hub.audit(action="backup")
    there.write_text("precious")
    refused(hub, there, f"backup {there}: the file exists already", "hint: name another file")
    assert there.read_text() == "precious"
    refused(hub, tmp_path, "this is a directory")
    refused(hub, f"{tmp_path}/", "this is a directory")
    refused(hub, tmp_path / "none" / "copy.db", "its directory does not exist", "hint: make the directory")
    refused(hub, "-", "hubd writes it itself", rc=2)
    refused(hub, "", "is no file", rc=2)
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "elsewhere.db")
    refused(hub, link, "the file exists already")
    state = hub.settings["state_dir"]
    refused(hub, state / "hub.db", "hubd's own")
    refused(hub, state / "hub.db-journal", "hubd's own")
    assert left(tmp_path) == ["link.db", "there.db"] and left(state) == ["hub.db", "hub.db-shm", "hub.db-wal", "hub.lock"]
    assert hub.audit(action="backup") == rows, "what was not begun leaves no row"
    for file in ("copy.db", "../copy.db"):
        assert hub.ctl("rpc", "backup", f'{{"file":"{file}"}}').rc == 2, "hubd took a path of a directory that it is not in"


def test_no_right_to_write(hub, filled):
    """Where the system lets nobody make files."""
    refused(hub, "/sys/copy.db" if os.getuid() == 0 else "/copy.db", "hubd may not write there", "hint: hubd writes it as its own user")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_admins_have_not_all_rights_of_root(new_hub):
    """hubd as root writes for a member of admin_group into the state directory only; a viewer gets no copy at all."""
    hub = new_hub(admin_group="nogroup")
    member = dict(user=NOBODY, group=NOBODY, extra_groups=[])
    refused(hub, "/tmp/hub-test-copy.db", "hubd runs as root and you do not", "state_dir", rc=4, **member)
    assert not os.path.exists("/tmp/hub-test-copy.db")
    assert hub.ok("backup", hub.settings["state_dir"] / "monday.db", **member).rc == 0
    viewed = new_hub(viewer_group="nogroup")
    refused(viewed, viewed.settings["state_dir"] / "monday.db", "", rc=4, **member)


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here; tests/store/test_backup.c has a full disk, too")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_full_disk(hub, filled, small_disk):
    """Said before a byte is written; no half file, and the hub goes on."""
    refused(hub, small_disk / "copy.db", "MiB are needed, ", "hint: nothing is left of it")
    assert left(small_disk) == []
    assert filled.cpo.put("sessions", payloads.session(filled.cpo.party, filled.emsp.party, "AFTER")).outcome == (201, 1000)


def begun(hub, file):
    """A connection on which a backup has begun: its first report is there."""
    line = Line(hub)
    line.send(("backup", {"file": str(file)}))
    assert line.next()["params"]["message"] == "nothing is copied yet"
    return line


def test_one_at_a_time(hub, filled, tmp_path):
    """The second is told which one is under way; reports come with what is done and what there is."""
    line = Line(hub)
    line.send(("backup", {"file": f"{tmp_path}/one.db"}), ("backup", {"file": f"{tmp_path}/two.db"}))
    reports, answers = [], {}
    while len(answers) < 2:
        message = line.next()
        if "id" in message:
            answers[message["id"]] = message
        else:
            reports.append(message["params"])
    assert answers[0]["result"]["change"] == "written"
    assert answers[1]["error"]["message"] == f"backup {tmp_path}/two.db: the backup {tmp_path}/one.db is under way"
    assert answers[1]["error"]["data"]["code"] == "busy"
    assert all(0 <= report.get("done", 0) <= report.get("total", 0) for report in reports)
    assert left(tmp_path) == ["one.db"]
    line.close()


def end_in_the_middle(tmp_path, attempt):
    """Tries until an end came before the copy was whole, which is nearly always the first time."""
    for number in range(20):
        file = tmp_path / f"copy-{number}.db"
        attempt(file)
        if not file.exists():
            return file
    raise AssertionError("twenty backups were done before they could be ended")


def test_client_hangs_up(hub, filled, tmp_path):
    """Nothing is left, the audit says that somebody tried, and the next one may."""

    def attempt(file):
        begun(hub, file).close()
        eventually(lambda: [row for row in hub.audit(action="backup") if row["detail"]["file"] == str(file)], "its end is audited")

    file = end_in_the_middle(tmp_path, attempt)
    row = hub.audit(action="backup")[-1]
    assert row["status"] == "failed" and row["detail"] == {"file": str(file), "reason": "cancelled"}
    assert f"{file.name}.partial" not in left(tmp_path)
    hub.ok("backup", file)


def test_its_file_is_taken_away(hub, filled, tmp_path):
    """Where others may write, another file can come in its place: that one is neither filled nor called a backup, and stays."""

    def attempt(file):
        partial = file.with_name(file.name + ".partial")
        line = begun(hub, file)
        eventually(lambda: partial.exists() or file.exists(), "the copy has begun")
        try:
            partial.rename(tmp_path / "moved")
            partial.write_text("mine")
        except FileNotFoundError:
            pass  # it was done already
        answers.append(next(message for message in iter(line.next, None) if "id" in message))
        line.close()

    answers = []
    file = end_in_the_middle(tmp_path, attempt)
    error = answers[-1]["error"]
    assert error["message"] == f"backup {file}.partial: its file was taken away while it was written" and error["data"]["code"] == "busy"
    assert file.with_name(file.name + ".partial").read_text() == "mine"


def test_hubd_ends(hub, filled, tmp_path):
    """SIGTERM: an orderly end that does not wait for the copy. kill -9: what it leaves hinders neither the start nor the next backup."""

    def stopped(file):
        line = begun(hub, file)
        hub.stop()
        line.close()
        hub.restart()

    def killed(file):
        line = begun(hub, file)
        eventually(lambda: file.with_name(file.name + ".partial").exists() or file.exists(), "the copy has begun")
        hub.kill()
        line.close()
        hub.restart()

    (tmp_path / "stopped").mkdir()
    end_in_the_middle(tmp_path / "stopped", stopped)
    assert not [name for name in left(tmp_path / "stopped") if name.endswith(".partial")]
    file = end_in_the_middle(tmp_path, killed)
    partial = file.with_name(file.name + ".partial")
    assert partial.exists() and partial.stat().st_mode & 0o7777 == 0o600
    hub.ok("backup", file)
    assert not partial.exists() and file.exists()
    assert hub.ctl("audit", "verify").rc == 0
