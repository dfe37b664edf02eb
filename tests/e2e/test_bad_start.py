"""Starts that must be refused: one clear line with the remedy, exit 78, nothing damaged. And how hubd ends and reloads."""

import os
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import threading

import pytest

from tests.e2e.harness import BIN, SLOW, accepts, eventually
from tests.sim import Gate, Reply

REFUSED = 78


def run(hub, *more, environment=None, **settings):
    """Runs hubd in the foreground until it ends by itself; returns (exit code, lines on stderr)."""
    done = subprocess.run(
        [*hub.arguments(**settings), *more], capture_output=True, text=True, timeout=20 * SLOW, stdin=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )  # fmt: skip
    return done.returncode, done.stderr.splitlines()


def refused(hub, *words, more=(), **settings):
    """hubd must refuse to start and say these words in one line; returns its lines."""
    code, lines = run(hub, *more, **settings)
    assert code == REFUSED, (code, lines)
    assert [line for line in lines if all(word in line for word in words)], (words, lines)
    return lines


@pytest.fixture
def cold(new_hub):
    """A hub that is not running and has no state yet."""
    return new_hub(start=False)


@pytest.fixture
def used(new_hub):
    """A hub that has run, with one party, and was stopped."""
    hub = new_hub()
    hub.ok("party", "add", "IN-KEP", "--role", "CPO")
    hub.stop()
    return hub


def still_fine(hub):
    """Nothing was damaged: it starts again and knows its party."""
    hub.restart()
    assert hub.one("party", "show", "IN-KEP")["id"] == "IN-KEP"


def database(hub):
    (path,) = (hub.directory / "state").glob("*.db")
    return path


# ---------------------------------------------------------------- settings


def test_unknown_setting_on_the_command_line(cold):
    """Named, and nothing is made."""
    lines = refused(cold, "probe_intervall", more=["--probe_intervall=5s"])
    assert "probe_interval" in " ".join(lines).replace("probe_intervall", ""), "the nearest setting is named"
    assert not (cold.directory / "state").exists()


@pytest.mark.parametrize("words, told", [(["--probe_interva=5s"], "did you mean probe_interval"), (["--chec"], "--chec: no such option"),
                                         (["--thread", "2"], "--thread: no such option")])  # fmt: skip
def test_abbreviated(cold, words, told):
    """The beginning of a name is no name: a later setting could give it another meaning."""
    code, lines = run(cold, *words)
    assert code == REFUSED and any(told in line for line in lines), lines


def test_every_problem_with_file_and_line(cold):
    """All problems at once, each with file and line."""
    cold.config.write_text("name = Test Hub\nnonsense = 1\nprobe_interval = soon\n\nthreads = 9999\n")
    code, lines = run(cold, threads=None)
    assert code == REFUSED
    for number, word in ((2, "nonsense"), (3, "probe_interval"), (5, "threads")):
        assert [line for line in lines if f"{cold.config}:{number}" in line and word in line], (number, word, lines)


def test_unknown_setting_in_the_environment(cold):
    """HUBD_<SETTING> is read, and an unusable value is told with that name."""
    code, lines = run(cold, environment={"HUBD_RETRY_MAX": "sometimes"}, retry_max=None)
    assert code == REFUSED and [line for line in lines if "HUBD_RETRY_MAX" in line or "retry_max" in line], lines


def test_missing_settings_file(cold):
    """-c with a file that is not there."""
    cold.config.unlink()
    refused(cold, str(cold.config))


def test_check_and_print_config(cold):
    """--check starts nothing: 0 or 78; --print-config prints settings that can be read back."""
    assert run(cold, "--check")[0] == 0
    assert run(cold, "--check", "--threads=many")[0] == REFUSED
    printed = subprocess.run([*cold.arguments(name="Printed Hub"), "--print-config"], capture_output=True, text=True, timeout=20 * SLOW)
    assert printed.returncode == 0 and "Printed Hub" in printed.stdout
    cold.config.write_text(printed.stdout)
    again = subprocess.run([BIN / "hubd", "-c", cold.config, "--print-config"], capture_output=True, text=True, timeout=20 * SLOW)
    assert (again.returncode, again.stdout) == (0, printed.stdout), again.stderr
    assert not (cold.directory / "state").exists()


@pytest.mark.parametrize(
    "option, says",
    [("-V", r"hubd \d+\.\d+\.\d+\n$"), ("-h", r"hubd - .*\n(.*\n)*\s+--foreground "), ("--check", r"hubd: .*\n$"), ("--print-config", r"#?country_code = |# ")],
)
def test_options_that_only_print(cold, option, says):
    """Each ends with 0 and starts nothing; where stdout takes no more it says so and ends with 1."""
    command = [*cold.arguments(), "--foreground", option]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20 * SLOW)
    assert done.returncode == 0 and re.match(says, done.stdout) and done.stderr == "", done
    with open("/dev/full", "w") as full:
        lost = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=20 * SLOW)
    assert (lost.returncode, lost.stderr) == (1, "hubd: cannot write to stdout: No space left on device\n")
    assert not (cold.directory / "state").exists()


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1:99999", ":", "nowhere.invalid:80x", "300.1.1.1:80"])
def test_unusable_listen(cold, address):
    """A listen address that cannot be one."""
    refused(cold, address, listen=address)


# ---------------------------------------------------------------- key file


def test_first_start_makes_everything(new_hub):
    """Without any configuration hubd runs: folders are made, the key file in the state directory with mode 0600."""
    hub = new_hub(start=False, key_file=None, state_dir=None, admin_socket=None)
    environment = {"HUBD_STATE_DIR": str(hub.directory / "a" / "state"), "HUBD_ADMIN_SOCKET": str(hub.directory / "b" / "admin.sock")}
    process = subprocess.Popen(hub.arguments(), env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True)
    try:
        # partners may connect before the account team can: the admin socket is the last to appear
        admin = hub.directory / "b" / "admin.sock"
        eventually(lambda: process.poll() is not None or (admin.exists() and accepts(admin)), "hubd is up")
        assert process.poll() is None, process.stderr.read()
        assert stat.S_IMODE((hub.directory / "a" / "state").stat().st_mode) == 0o700
        assert stat.S_IMODE((hub.directory / "a" / "state" / "hub.key").stat().st_mode) == 0o600
        assert accepts(("127.0.0.1", hub.port))
    finally:
        process.terminate()
        process.communicate(timeout=20 * SLOW)
    assert process.returncode == 0


def test_missing_key_file(used):
    """The key of an existing database is gone: refused; no new key is made."""
    key = used.settings["key_file"]
    kept = key.rename(key.with_suffix(".kept"))
    refused(used, str(key))
    assert not key.exists()
    kept.rename(key)
    still_fine(used)


def test_wrong_key_file(used, new_hub):
    """Another hub's key: refused."""
    key = used.settings["key_file"]
    right = key.read_bytes()
    key.write_bytes(new_hub().settings["key_file"].read_bytes())
    refused(used, str(key))
    key.write_bytes(right)
    still_fine(used)


@pytest.mark.parametrize("content", [b"", b"short", None], ids=["empty", "short", "a folder"])
def test_unusable_key_file(used, content):
    """Empty, cut short, or no file at all."""
    key = used.settings["key_file"]
    right = key.read_bytes()
    key.unlink()
    if content is None:
        key.mkdir()
    else:
        key.touch(0o600)
        key.write_bytes(content)
    refused(used, str(key))
    if content is None:
        key.rmdir()
        key.touch(0o600)
    key.write_bytes(right)
    still_fine(used)


def test_key_file_open_to_others(used):
    """The key file is made with mode 0600; one that others can read is refused."""
    key = used.settings["key_file"]
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o644)
    refused(used, str(key), "0600")
    key.chmod(0o600)
    still_fine(used)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_unreadable_key_file(used):
    key = used.settings["key_file"]
    key.chmod(0)
    refused(used, str(key))
    key.chmod(0o600)
    still_fine(used)


# ---------------------------------------------------------------- database


@pytest.mark.parametrize("kind", ["another program's", "not SQLite"])
def test_foreign_database(used, kind):
    """Not ours: refused and left as it is."""
    path = database(used)
    kept = path.rename(path.with_suffix(".kept"))
    if kind == "not SQLite":
        path.write_bytes(b"This is a letter, not a database.\n" * 200)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE recipes (title TEXT)")
        connection.close()
    before = path.read_bytes()
    refused(used, path.name)
    assert path.read_bytes() == before
    kept.rename(path)
    for rest in ("-wal", "-shm"):
        path.with_name(path.name + rest).unlink(missing_ok=True)
    still_fine(used)


def test_newer_database(used):
    """A database that a newer hubd has migrated: refused and left as it is."""
    path = database(used)
    saved = path.with_suffix(".saved")
    shutil.copy(path, saved)
    with sqlite3.connect(path) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        (table,) = [name for name in tables if "migration" in name or "schema" in name]
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        row = dict(zip(columns, connection.execute(f"SELECT * FROM {table} ORDER BY 1 DESC LIMIT 1").fetchone()))
        row[columns[0]] += 1000
        marks = ", ".join("?" * len(columns))
        connection.execute(f"INSERT INTO {table} VALUES ({marks})", list(row.values()))
    connection.close()
    before = path.read_bytes()
    lines = refused(used, path.name)
    assert "newer" in " ".join(lines), lines
    assert path.read_bytes() == before
    saved.replace(path)
    still_fine(used)


def test_second_hubd_on_the_same_state(new_hub):
    """Refused; the first one goes on."""
    first = new_hub()
    second = new_hub(start=False, state_dir=first.settings["state_dir"], key_file=first.settings["key_file"])
    refused(second, str(first.settings["state_dir"]), "in use")
    first.ok("party", "add", "IN-ABC", "--role", "CPO")
    first.kill()
    first.restart()
    assert first.one("party", "show", "IN-ABC")["id"] == "IN-ABC"


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_state_directory_without_rights(cold):
    cold.directory.chmod(0o500)
    refused(cold, str(cold.settings["state_dir"]))
    cold.directory.chmod(0o755)


def test_state_directory_is_a_file(cold):
    """state_dir is something else."""
    cold.settings["state_dir"].write_text("")
    refused(cold, str(cold.settings["state_dir"]))


# ---------------------------------------------------------------- sockets


def test_port_in_use(cold):
    """Named with the address; the other program goes on listening."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        refused(cold, address, "in use", listen=address)


def test_stale_admin_socket(new_hub):
    """The socket file that a killed hubd left behind is replaced."""
    hub = new_hub()
    hub.kill()
    assert hub.socket.exists()
    hub.restart()
    hub.ok("status")


def test_admin_socket_of_a_living_hubd(new_hub):
    """Another hubd listens there: refused, and hubctl still reaches the first."""
    first = new_hub()
    second = new_hub(start=False, admin_socket=first.socket)
    refused(second, str(first.socket), "in use")
    assert first.ok("--field", "base_url", "status").out.strip() == first.url


def test_admin_socket_path_is_a_file(cold):
    """Something that is no socket stands there: refused, and not removed."""
    cold.socket.write_text("precious")
    refused(cold, str(cold.socket))
    assert cold.socket.read_text() == "precious"


def test_socket_is_gone_after_a_clean_stop(new_hub):
    hub = new_hub()
    hub.stop()
    assert not hub.socket.exists()


# ---------------------------------------------------------------- signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_finishes_what_is_in_flight(new_hub, number):
    """SIGTERM: no new connections, what is in flight is answered, exit 0."""
    hub, cpo, emsp = new_hub().pair()
    gate = Gate()
    cpo.script("PUT", "/authorize$", Reply(hold=gate, data={"allowed": "NO_CREDIT"}))
    answers = []
    asking = threading.Thread(target=lambda: answers.append(emsp.authorize("T1")))
    asking.start()
    cpo.wait("PUT", "/authorize$")
    hub.process.send_signal(number)

    def closed():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", hub.port)) != 0

    eventually(closed, "hubd stops accepting")
    gate.open()
    asking.join()
    assert answers[0].data["allowed"] == "NO_CREDIT"
    assert hub.process.wait(15 * SLOW) == 0


def test_reload(new_hub):
    """SIGHUP applies what can be applied; an invalid file keeps the old settings and is told with file and line."""
    hub = new_hub(log_level=None, forward_timeout=None)
    value = lambda name: hub.ok("conf", "show", name, "--field", "value").out.strip()  # noqa: E731
    hub.config.write_text("log_level = debug\nforward_timeout = 3s\n")
    hub.process.send_signal(signal.SIGHUP)
    eventually(lambda: (value("log_level"), value("forward_timeout")) == ("debug", "3s"), "the settings are applied")
    hub.config.write_text("forward_timeout = 4s\nnonsense = 1\n")
    hub.process.send_signal(signal.SIGHUP)
    hub.wait_log(rf"{hub.config}:2.*nonsense")
    assert value("forward_timeout") == "3s"
    hub.config.write_text("forward_timeout = 5s\nstate_dir = /elsewhere\n")
    hub.process.send_signal(signal.SIGHUP)
    eventually(lambda: value("forward_timeout") == "5s", "a later valid file is applied")
    assert value("state_dir") == str(hub.settings["state_dir"])
