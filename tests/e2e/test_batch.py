"""hubctl batch: commands from a file or from stdin, one per line (hubctl-batch(1))."""

import json
import os
import socket
import subprocess
import threading

import pytest

from tests.e2e.fake import Listener
from tests.e2e.harness import BIN, DEADLINE, eventually, on_terminal


def batch(hub, lines, *options, rc=0, **process):
    """The lines on stdin; options go in front of `batch`."""
    result = hub.ctl(*options, "batch", "-f", "-", stdin=lines, **process)
    assert result.rc == rc, result
    return result


def names(hub):
    return {row["id"]: row["name"] for row in hub.rows("party", "list")}


def test_lines_are_commands(hub):
    """Each line is parsed and printed as an invocation of its own; words are split as a shell splits them."""
    result = batch(hub, """
        # who takes part
        party add IN-B01 --role CPO --name "Two words" # said once
        party add IN-B02 --role CPO --name 'it''s "quoted" \\ $HOME'
\tparty add IN-B03 --role EMSP --name=a\\ \\"b\\"#c
        party add IN-B04 --role EMSP --name "in \\"quotes\\" \\n"\r
        party add IN-B01 --role CPO
        party show IN-B03 --field name
        rule enable IN-B03 IN-B01""")  # fmt: skip
    assert result.out.splitlines() == [
        "party IN-B01 added", "party IN-B02 added", "party IN-B03 added", "party IN-B04 added", "party IN-B01 unchanged",
        'a "b"#c', "rule IN-B03 IN-B01 enabled: IN-B01 has no locations and no tariffs here",
    ]  # fmt: skip
    assert result.err == ""
    known = names(hub)
    assert [known[f"IN-B0{n}"] for n in (1, 2, 3, 4)] == ["Two words", 'its "quoted" \\ $HOME', 'a "b"#c', 'in "quotes" \\n']
    assert batch(hub, "").out == batch(hub, "\n\n# nothing\n").out == ""


def test_global_options_hold_for_all_lines(hub):
    """--json, -q, --field of the batch are the lines' defaults; a line may say otherwise for itself."""
    hub.ok("party", "add", "IN-G01", "--role", "CPO", "--name", "G")
    assert batch(hub, "party show IN-G01\nparty show IN-G01 --json=name\n", "--json=id").out == '{"id":"IN-G01"}\n{"name":"G"}\n'
    assert batch(hub, "party add IN-G01 --role CPO\nparty suspend IN-G01 --reason x\n", "-q").out == "IN-G01\nIN-G01\n"
    assert batch(hub, "party resume IN-G01\n", "--json").out.startswith('{"id":"IN-G01","change":"resumed"')
    assert batch(hub, "party show IN-G01\n", "--field", "name").out == "G\n"


def test_stops_at_the_first_error(hub):
    """With the error's place and exit code; what was run stays done; nothing behind it is run."""
    lines = "party add IN-S01 --role CPO\n\nparty show IN-NOP\nparty add IN-S02 --role CPO\n"
    result = batch(hub, lines, rc=1)
    assert result.out == "party IN-S01 added\n"
    assert result.err == "hubctl: stdin:3: party IN-NOP: no such party\nhint: hubctl party list\n"
    assert "IN-S01" in names(hub) and "IN-S02" not in names(hub)
    file = hub.directory / "lines"
    file.write_text(lines)
    assert hub.ctl("batch", "-f", file).err.startswith(f"hubctl: {file}:3: party IN-NOP: ")


def test_keep_going(hub):
    """All lines are run, and the exit code is the first error's."""
    file = hub.directory / "changed.json"
    file.write_text(json.dumps({"parties": [{"id": "IN-K09", "roles": ["CPO"]}]}))
    result = hub.ctl("batch", "--keep-going", "-f", "-",
                     stdin=f"diff -f {file}\nparty show IN-NOP\nparty add IN-K01 --role CPO\nrule enable IN-K01 IN-NOP\n")  # fmt: skip
    assert result.rc == 6 and result.out.endswith("\nparty IN-K01 added\n"), result
    places = [line.split(" ")[1] for line in result.err.splitlines() if line.startswith("hubctl: ")]
    assert places == ["stdin:2:", "stdin:4:"]


REFUSED = {
    "party lst": 'unknown command "party lst". Did you mean "party list"?',
    "prty list": 'unknown command "prty". Did you mean "party"?',
    "party": "party: which command?",
    "party add IN-R02": "--role is missing",
    "party show IN-R02 --jsn": "unknown option --jsn; did you mean --json?",
    "party show NOTANID": "no party id",
    "party add \"IN-R02 --role CPO": 'a " without its end',
    "party add 'IN-R02 --role CPO": "a ' without its end",
    "party add IN-R02 --role CPO \\": "a backslash at the end of the line",
    "party remove IN-R01": "party remove needs its --confirm in a batch",
    "party remove IN-R01 --confirm=IN-R02": "",  # is found when it is run: nothing is changed
    "batch -f x": "batch cannot stand in a batch",
    "audit tail -f": "audit tail --follow cannot stand in a batch",
    "audit tail --follow -n 1": "audit tail --follow cannot stand in a batch",
    "party connect IN-R01 --versions-url https://x.example/ --token-file -": "a line of a batch cannot read stdin",
    "apply -f -": "a line of a batch cannot read stdin",
    "rpc apply -": "a line of a batch cannot read stdin",
    "apply -f /nothing/there": "/nothing/there: No such file or directory",
    "party list -h": "-h and -V are no commands of a batch",
    "-V": "-h and -V are no commands of a batch",
    "party list \0": "a NUL byte",
    "help " + "x " * 300: "too many",
}  # fmt: skip


@pytest.mark.parametrize("line", REFUSED)
def test_a_mistake_in_any_line_and_nothing_is_run(hub, line):
    """All lines are parsed before the first one is run."""
    if not REFUSED[line]:
        hub.ok("party", "add", "IN-R01", "--role", "CPO")
        result = batch(hub, f"{line}\n", rc=2)
        assert "stdin:1: --confirm=IN-R02 does not repeat IN-R01" in result.err and "IN-R01" in names(hub)
        return
    result = batch(hub, f"party add IN-R02 --role CPO\n{line}\n", rc=2)
    assert result.out == "" and result.err.startswith("hubctl: stdin:2: ") and REFUSED[line] in result.err.splitlines()[0], result
    assert result.err.endswith("hubctl: stdin: 1 line with mistakes; nothing was run\n")
    assert "IN-R02" not in names(hub)


def test_all_mistakes_are_told(hub):
    result = batch(hub, "party\nparty list\nprty list\n", rc=2)
    assert "hubctl: stdin:1: " in result.err and "hubctl: stdin:3: " in result.err and "2 lines with mistakes" in result.err


def test_dangerous_lines_with_confirm_and_secrets(hub):
    """--confirm in the line is enough; a token goes where it always goes, stdout or its file."""
    hub.ok("party", "add", "IN-D01", "--role", "CPO")
    file = hub.directory / "d01.token"
    result = batch(hub, f"token issue IN-D01 --out {file}\ntoken issue IN-D01\nparty remove IN-D01 --confirm=IN-D01\n")
    assert len(file.read_text().strip()) > 30 and file.stat().st_mode & 0o777 == 0o600
    token = [line for line in result.out.splitlines() if " " not in line]
    assert len(token) == 1 and "IN-D01" not in names(hub)


def test_the_file(hub):
    """Not there: exit 2. Too large: exit 2, nothing done."""
    missing = hub.ctl("batch", "-f", hub.directory / "nothing")
    assert missing.rc == 2 and "nothing: No such file" in missing.err
    huge = batch(hub, "party add IN-H01 --role CPO\n" + "#" * (16 << 20), rc=2)
    assert "stdin: more than 16 MiB" in huge.err and "IN-H01" not in names(hub)
    assert hub.ctl("batch").rc == 2


class Door:
    """A socket in front of hubd's that counts who comes in, and can hang up behind the first answer."""

    def __init__(self, hub, hangs_up=False):
        self.hub, self.hangs_up, self.count, self.hung_up = hub, hangs_up, 0, threading.Event()
        self.path = hub.directory / f"door-{id(self)}.sock"
        self.listener = Listener(self.path, self._serve)

    def _serve(self, client):
        self.count += 1
        with client, client.makefile("rb") as lines, socket.socket(socket.AF_UNIX) as inner:
            inner.connect(str(self.hub.socket))
            with inner.makefile("rb") as answers:
                for line in lines:
                    inner.sendall(line)
                    client.sendall(answers.readline())
                    if self.hangs_up:
                        break
        self.hung_up.set()

    def close(self):
        self.listener.close()


def test_one_connection(hub):
    """All lines use one connection."""
    lines = "".join(f"party add IN-C{n:02d} --role CPO\n" for n in range(20)) + "party list -q\n"
    door = Door(hub)
    assert len(batch(hub, lines, "-s", door.path).out.splitlines()) >= 40 and door.count == 1
    door.close()
    gone = batch(hub, lines, "-s", hub.directory / "nothing.sock", rc=3)
    assert "hubctl: stdin:1: hubd is not reachable" in gone.err and gone.err.count("not reachable") == 1


def test_hubd_hangs_up_between_two_lines(hub):
    """As when it is restarted: the next line connects anew. The second line waits in front of its file meanwhile."""
    door, file = Door(hub, hangs_up=True), hub.directory / "pipe"
    os.mkfifo(file)

    def write_twice():
        file.write_text("{}")  # when all lines are parsed
        eventually(lambda: door.count == 1, "the first line is run")
        with open(file, "w") as pipe:  # when the second one is run
            door.hung_up.wait(DEADLINE)
            pipe.write("{}")

    writer = threading.Thread(target=write_twice, daemon=True)
    writer.start()
    result = batch(hub, f"version --field protocol\napply -f {file}\n", "-s", door.path)
    writer.join(DEADLINE)
    assert (result.out, result.err, door.count) == ("1\n", "no changes\n", 2)
    door.close()


def test_two_hundred_partners_by_three_pipes(new_hub):
    """A script of three pipes onboards two hundred: parties, receivers, rules, and the list of them."""
    hub = new_hub()
    script = r"""
        set -e -o pipefail
        seq 200 | awk '{ printf "party add IN-%s%02d --role %s --name \"Partner %d\"\n", ($1 > 100 ? "E" : "C"), $1 % 100, ($1 > 100 ? "EMSP" : "CPO"), $1 }' |
            hubctl batch -f - | wc -l
        hubctl party list --role EMSP -q | sed 's|.*|receiver set & sessions https://&.example/sessions|' | hubctl batch -f - | grep -c ' set to '
        hubctl party list --role EMSP -q | sed 's|.*|rule enable & IN-C01|' | hubctl -q batch -f - | wc -l
    """
    environment = {**os.environ, "HUBCTL_SOCKET": str(hub.socket), "PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=DEADLINE * 3)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["200", "100", "100"], ""), done
    assert len(names(hub)) == 200 and len(hub.rows("rule", "list")) == 100
    assert hub.ctl("diff", "-f", "-", stdin=hub.ok("export").out).rc == 0


def test_on_a_terminal(hub):
    """The sum at the end on stderr; in a pipe there is none."""
    file = hub.directory / "terminal"
    file.write_text("party show IN-NOP --field id\nversion --field hubctl\nversion --field hubctl\n")
    code, shown = on_terminal(hub, "batch", "-f", str(file), "--keep-going")
    assert code == 1 and shown.splitlines()[-1] == "3 lines, 1 failed", shown
    code, shown = on_terminal(hub, "batch", "-f", str(file))
    assert code == 1 and shown.splitlines()[-1] == "1 line, 1 failed, 2 not run", shown
    code, shown = on_terminal(hub, "-q", "batch", "-f", str(file))
    assert code == 1 and "line" not in shown.splitlines()[-1]


def test_where_nobody_takes_the_answers(hub):
    """A full disk ends it with exit 1 before the next line, and says so."""
    with open("/dev/full", "w") as full:
        result = hub.ctl("batch", "-f", "-", stdin="version\nparty add IN-F01 --role CPO\n", stdout=full)
    assert result.rc == 1 and "No space left" in result.err and "IN-F01" not in names(hub), result
