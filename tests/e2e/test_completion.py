"""Completion of command lines: what hubctl offers, and what bash, zsh and fish make of it."""

import os
import pty
import re
import select
import signal
import subprocess
import time
from types import SimpleNamespace

import pytest

from tests.e2e.fake import Listener
from tests.e2e.harness import BIN, DEADLINE, ROOT, SANITIZER, SLOW, forms
from tests.sim import payloads

SCRIPTS = {"bash": "hubctl.bash", "zsh": "_hubctl", "fish": "hubctl.fish"}
INSTALLED = {
    "bash": "share/bash-completion/completions/hubctl",
    "zsh": "share/zsh/site-functions/_hubctl",
    "fish": "share/fish/vendor_completions.d/hubctl.fish",
}
HOSTILE_NAME = "é `touch pwned` $(touch pwned) \"q\" 'x' %F{red}\\n:; touch pwned"
HOSTILE_ID = "LO\\C:`TOUCH${IFS}PWNED`$(TOUCH${IFS}PWNED)'Q\"&!;X"
NOBODY = 65534


def complete(socket_path, *words, **options):
    """What `hubctl __complete` answers: its directive and {value: description}. It must be silent and exit 0."""
    environment = {**os.environ, "HUBCTL_SOCKET": str(socket_path)}
    command = [str(BIN / "hubctl"), "__complete", *map(str, words)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30 * SLOW, **options)
    assert (done.returncode, done.stderr) == (0, ""), done
    directive, *lines = done.stdout.split("\n")[:-1]
    assert directive.startswith(":") and all(line.count("\t") == 1 for line in lines), done.stdout
    return directive[1:], dict(line.split("\t") for line in lines)


def settled(probe, wanted):
    """hubd has 300 ms to answer; on a busy machine it may be late, and nothing is offered: then it is asked again."""
    end = time.monotonic() + DEADLINE
    while (last := probe()) != wanted and time.monotonic() < end:
        pass
    assert last == wanted


@pytest.fixture(scope="module")
def world(hub):
    """A hub with something of everything that has an id; names and ids that would like to be run by a shell."""
    _, cpo, emsp = hub.pair()
    quiet, hostile = "IN-QUI", "IN-HOS"
    hub.ok("party", "add", quiet, "--role", "EMSP", "--name", "Quiet")
    hub.ok("party", "add", hostile, "--role", "CPO", "--name", HOSTILE_NAME)
    cpo.put("locations", payloads.location(cpo.party, HOSTILE_ID))
    emsp.command("START_SESSION", payloads.start_session(emsp.party, location_id=HOSTILE_ID))
    hub.rule(emsp, cpo, "disable")
    cpo.put("sessions", payloads.session(cpo.party, emsp.party, "SES1"))
    (held,) = hub.held(emsp.id)
    (command,) = hub.rows("command", "list")
    token = hub.issue(quiet)
    (issued,) = hub.rows("token", "list", quiet)
    return SimpleNamespace(
        hub=hub,
        socket=hub.socket,
        cpo=cpo.id,
        emsp=emsp.id,
        quiet=quiet,
        hostile=hostile,
        parties={cpo.id, emsp.id, quiet, hostile},
        held=str(held["id"]),
        command=str(command["id"]),
        token=token,
        fingerprint=issued["fingerprint"],
    )


def names(world, *words):
    """Only the values, the words with the world's names in them."""
    return set(complete(world.socket, *(word.format(**vars(world)) for word in words))[1])


# ---------------------------------------------------------------- what is offered

ROLES = {"CPO", "EMSP", "NAP", "NSP", "SCSP", "OTHER"}
EXACTLY = [
    (["par"], {"party"}),
    (["__"], set()),
    (["--__"], set()),
    (["-"], {"--socket", "--json", "--field", "--quiet", "--color", "--timeout", "--no-pager", "--utc", "--help", "--version"}),
    (["party", "s"], {"show", "set", "suspend"}),
    (["nonsense", ""], set()),
    (["party", "nonsense", ""], set()),
    (["--nonsense", "party", ""], set()),
    # parties, by what is meant
    (["party", "show", ""], {"{cpo}", "{emsp}", "{quiet}", "{hostile}"}),
    (["party", "show", "in-"], {"{cpo}", "{emsp}", "{quiet}", "{hostile}"}),
    (["party", "show", "{quiet}"], {"{quiet}"}),
    (["party", "show", "--", ""], {"{cpo}", "{emsp}", "{quiet}", "{hostile}"}),
    (["--color", "never", "party", "-q", "show", ""], {"{cpo}", "{emsp}", "{quiet}", "{hostile}"}),
    (["party", "show", "IN*"], {"{cpo}", "{emsp}", "{quiet}", "{hostile}"}),
    (["delivery", "list", "--party=in/hos"], {"--party={hostile}"}),
    (["rule", "enable", "{emsp}", "inhos"], {"{hostile}"}),
    (["party", "show", "I-N"], set()),
    (["party", "show", "{cpo}", ""], set()),
    (["party", "add", ""], set()),  # one that is not there yet
    (["party", "add", "IN-NEW", "--platform="], {f"--platform={name}" for name in ("new", "{cpo}", "{emsp}", "{quiet}", "{hostile}")}),
    (["rule", "enable", ""], {"{emsp}", "{quiet}"}),
    (["rule", "enable", "{emsp}", ""], {"{cpo}", "{hostile}"}),
    (["delivery", "replay", "{emsp}", "--cpo", ""], {"{cpo}", "{hostile}"}),
    (["audit", "tail", "-f", "--party", "{hostile}"], {"{hostile}"}),
    (["limit", "set", "d"], {"default"}),
    (["limit", "set", "default", ""], {"authorize", "commands", "locations"}),
    # ids of other things
    (["token", "revoke", "{quiet}", ""], {"{fingerprint}", "--all"}),
    (["token", "revoke", "{quiet}", "{fingerprint}", ""], set()),
    (["delivery", "show", ""], {"{held}"}),
    (["delivery", "drop", ""], {"{held}"}),
    (["delivery", "retry", ""], {"{held}", "--party", "--all"}),
    (["delivery", "retry", "--all", ""], set()),
    (["command", "show", ""], {"{command}"}),
    (["object", "show", "location", "{cpo}", ""], {HOSTILE_ID.replace("{", "{{").replace("}", "}}")}),
    (["object", "show", "session", "{cpo}", ""], {"SES1"}),
    (["object", "show", "cdr", "{cpo}", ""], set()),
    (["conf", "show", "admin_"], {"admin_socket", "admin_group"}),
    (["trace", ""], set()),
    # words of the table
    (["party", "add", "IN-NEW", "--role", ""], ROLES),
    (["party", "add", "IN-NEW", "--role=c"], {"--role=CPO"}),
    (["party", "add", "IN-NEW", "--role", "CPO", "--role", "E"], {"EMSP"}),
    (["party", "list", "--role", "CPO", "--role", ""], set()),  # it may be given once
    (["party", "add", "IN-NEW", ""], {"--role", "--name", "--website", "--platform"}),
    (["receiver", "set", "{cpo}", "tokens"], {"tokens", "tokens:sender"}),
    (["completion", ""], {"bash", "zsh", "fish"}),
    (["help", "e"], {"exit-codes", "environment", "export"}),
    (["help", "party", "s"], {"show", "set", "suspend"}),
    (["help", "party", "show", ""], set()),
    (["rpc", "party.s"], {"party.show", "party.set", "party.suspend"}),
    (["rpc", "rpc"], {"rpc.discover"}),
    # global options
    (["--color="], {"--color=auto", "--color=always", "--color=never"}),
    (["party", "list", "--field", "p"], {"party_id", "platform"}),
    (["party", "list", "--json=id,na"], {"--json=id,name"}),
    (["party", "list", "--json=id,party_id,"], {f"--json=id,party_id,{name}" for name in ("roles", "name", "status", "platform", "last_seen", "heard", "reached", "last_error", "country_code")}),
    (["object", "show", "location", "{cpo}", HOSTILE_ID.replace("{", "{{").replace("}", "}}"), "--field", ""], set()),
    (["--json="], set()),
    # what nobody can know
    (["token", "issue", "{quiet}", "--ttl", ""], set()),
    (["party", "suspend", "{quiet}", "--reason", ""], set()),
    (["party", "remove", "{quiet}", "--confirm="], set()),
]


@pytest.mark.parametrize("words, wanted", EXACTLY, ids=[" ".join(words) for words, _ in EXACTLY])
def test_offered(world, words, wanted):
    """Exactly this, no more and no less."""
    settled(lambda: names(world, *words), {word.format(**vars(world)) for word in wanted})


def test_what_is_given_is_not_offered_again(world):
    """An option that may be given once leaves the list; one that may be repeated stays; hidden ones never come."""
    offered = names(world, "party", "add", "IN-NEW", "--role", "CPO", "--name", "N", "--")
    assert "--role" in offered and "--website" in offered and "--name" not in offered
    assert not {"--party", "--all"} & names(world, "delivery", "retry", "{held}", "--")
    assert "--limit" in names(world, "delivery", "list", "--") and "--after" not in names(world, "delivery", "list", "--")
    settled(lambda: names(world, "receiver", "unset", "{cpo}", "tokens"), {"tokens"})  # what it has, not all there are


def test_descriptions_and_directives(world):
    """What a value is stands behind it; files are the shell's business; a list of fields goes on."""
    assert complete(world.socket, "par")[1]["party"] == "partners: who takes part in roaming"
    settled(lambda: complete(world.socket, "party", "show", world.hostile)[1], {world.hostile: HOSTILE_NAME})
    settled(lambda: complete(world.socket, "delivery", "show", "")[1], {world.held: f"held sessions {world.emsp}"})
    for words in (["--out", ""], ["--out="], ["--out=x"]):
        assert complete(world.socket, "token", "issue", world.cpo, *words) == ("files", {})
    assert complete(world.socket, "party", "connect", world.cpo, "--token-file", "")[0] == "files"
    assert complete(world.socket, "apply", "-f", "")[0] == "files"
    assert complete(world.socket, "-s", "")[0] == "files"
    assert complete(world.socket, "party", "list", "--json=")[0] == "nospace"


def test_socket_on_the_line(world):
    """--socket given before is stronger than HUBCTL_SOCKET."""
    for words in (["-s", world.socket, "party"], [f"--socket={world.socket}", "party"], ["party", "--socket", world.socket]):
        settled(lambda given=words: complete("/nonexistent", *given, "show", "")[1].keys(), world.parties)
    assert complete(world.socket, "-s", "/nonexistent", "party", "show", "") == ("", {})


def test_long_lists_are_bounded(hub, world):
    """Of a hundred thousand objects nobody wants all."""
    cpo = hub.onboard("CPO")
    for number in range(103):
        cpo.put("tariffs", payloads.tariff(cpo.party, f"T{number:03d}"))
    settled(lambda: len(complete(world.socket, "object", "show", "tariff", cpo.id, "")[1]), 100)
    hub.ok("party", "remove", cpo.id, f"--confirm={cpo.id}")


# ---------------------------------------------------------------- every row of the table


def entries(text, title):
    """The labels below a title of a help text: {"list": [], "lines": ["-n"]}."""
    block = re.search(rf"^{title}:\n((?:  .*\n)+)", text, re.MULTILINE)
    labels = re.findall(r"^  (?:-\w, )?([a-zA-Z-]+)", block[1], re.MULTILINE) if block else []
    return {label for label in labels if label}


def test_every_row_of_the_table(world):
    """Nouns, verbs and options are offered as help knows them: a new row cannot be forgotten. No secret is among what is said."""
    hub, said, methods = world.hub, [], set()

    def offered(*words):
        values = complete(world.socket, *words)[1]
        said.extend([*values, *values.values()])
        return set(values)

    program = hub.ok("-h").out
    nouns = entries(program, "Nouns")
    everywhere = entries(program, "Global options")
    assert len(nouns) > 15 and offered("") == nouns and offered("--") == everywhere
    for noun in nouns:
        page = hub.ok(noun, "-h").out
        verbs = entries(page, "Commands")
        if verbs:
            assert offered(noun, "") == verbs
        for words in [[noun, verb] for verb in verbs] or [[noun]]:
            own = entries(hub.ok(*words, "-h").out, "Options")
            assert offered(*words, "--") == own | everywhere, words
            offered(*words, "")
            methods.add(".".join(words))
    (known,) = hub.rows("rpc", "rpc.discover")
    assert methods >= {method["name"] for method in known["methods"]}
    for form in forms(world.token):
        assert form.decode() not in "\n".join(said)


# ---------------------------------------------------------------- without hubd


def test_stopped_hubd(world):
    """A hubd that does not answer is not waited for: what the table knows is offered, and hubctl ends by itself."""
    world.hub.process.send_signal(signal.SIGSTOP)
    try:
        assert complete(world.socket, "party", "show", "") == ("", {})
        assert complete(world.socket, "limit", "set", "")[1].keys() == {"default"}
        assert "tokens:sender" in complete(world.socket, "receiver", "unset", world.cpo, "")[1]
        assert complete(world.socket, "party", "li")[1].keys() == {"list"}
    finally:
        world.hub.process.send_signal(signal.SIGCONT)


def test_no_hubd(world, tmp_path):
    """Nobody there, no socket, a directory, a path too long, not permitted: silence."""
    for path in ("/nonexistent", tmp_path, f"/{'x' * 200}", "", __file__):
        assert complete(path, "token", "list", "IN-") == ("", {})
        assert complete(path, "par")[1].keys() == {"party"}
    if os.geteuid() == 0:
        assert complete(world.socket, "party", "show", "", user=NOBODY, group=NOBODY, extra_groups=[]) == ("", {})


class Impostor:
    """Answers everybody on a Unix socket what it was made with: bytes, or an endless stream of them."""

    def __init__(self, path, answer, forever=False):
        self.path, self.answer, self.forever = path, answer, forever
        self.listener = Listener(path, self._serve)

    def _serve(self, peer):
        with peer:
            try:
                peer.recv(65536)
                peer.sendall(self.answer)
                while self.forever:
                    peer.sendall(self.answer)
            except OSError:
                pass  # hubctl has gone, as it should

    def close(self):
        self.listener.close()


@pytest.mark.parametrize(
    "answer, forever",
    [
        (b"", False),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False),
        (b'{"jsonrpc":"2.0","id":1,"error":{"code":4,"message":"no"}}\n', False),
        (b'{"jsonrpc":"2.0","id":1,"result":{"rows":7}}\n', False),
        (b'{"jsonrpc":"2.0","id":1,"result":[]}\n', False),
        (b'{"jsonrpc":"2.0","method":"party.list","params":{}}\n', True),
        (b" " * 65536, True),
    ],
    ids=["hangs up", "is no hubd", "refuses", "no rows", "no object", "talks for ever", "never ends a line"],
)
def test_strange_hubd(tmp_path, answer, forever):
    """Whatever answers there: nothing to offer, silence, and an end."""
    impostor = Impostor(tmp_path / "socket", answer, forever)
    assert complete(impostor.path, "party", "show", "") == ("", {})
    impostor.close()


def test_control_bytes_do_not_reach_the_shell(tmp_path):
    """A value with control bytes, or one that would be read as an option, is none; in a description they are shown as such."""
    rows = r'[{"id":"IN-\u001bA"},{"id":"IN-B\n"},{"id":"IN-C\tx"},{"id":"-rf"},{"id":""},{"id":"IN-OK","name":"\u001b]0;x\u0007\t\n\u007f"}]'
    impostor = Impostor(tmp_path / "socket", b'{"jsonrpc":"2.0","id":1,"result":{"rows":' + rows.encode() + b"}}\n")
    settled(lambda: complete(impostor.path, "party", "show", "")[1], {"IN-OK": r"\x1b]0;x\x07\x09\x0a\x7f"})
    impostor.close()


# ---------------------------------------------------------------- the scripts


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """Where `cmake --install` has put everything."""
    folder = tmp_path_factory.mktemp("prefix")
    subprocess.run(["cmake", "--install", BIN.parent, "--prefix", folder], check=True, capture_output=True, timeout=60 * SLOW)
    return folder


@pytest.mark.parametrize("shell", SCRIPTS)
def test_scripts(hub, prefix, shell):
    """`completion SHELL` prints the bytes of completions/, and they are what is installed."""
    script = (ROOT / "completions" / SCRIPTS[shell]).read_text()
    assert hub.ok("completion", shell).out == script
    assert (prefix / INSTALLED[shell]).read_text() == script


def test_completion_usage(hub):
    """Without a shell, or with one there is nothing for: what is wrong and what helps."""
    missing, misspelt = hub.ctl("completion"), hub.ctl("completion", "fsih")
    assert missing.rc == 2 and "SHELL is missing" in missing.err and "hint: hubctl completion -h" in missing.err, missing
    assert misspelt.rc == 2 and "did you mean fish?" in misspelt.err and misspelt.out == "", misspelt
    shown = hub.ok("completion", "-h").out
    assert all(shell in shown for shell in SCRIPTS) and "__complete" not in shown + hub.ok("-h").out


# ---------------------------------------------------------------- the shells

PROMPT = "@> "
PRINTED = r"(<[^\r\n]*>)=\r*\n(?:.|\n)*?" + re.escape(PROMPT)  # what the hubctl of `Terminal.run` says, and the next prompt


class Terminal:
    """An interactive shell on a pseudo terminal, in an empty folder of its own, that knows nobody's settings."""

    commands = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"], "fish": ["fish", "-i"]}
    tabs = {"bash": "\t\t", "zsh": "\t", "fish": "\t"}
    # a `hubctl` that tells its words; completion must go past it to the program
    teller = {
        "bash": "hubctl() { printf '<%s>' \"$@\"; echo =; }",
        "zsh": "hubctl() { printf '<%s>' \"$@\"; echo =; }",
        "fish": "function hubctl; printf '<%s>' $argv; echo =; end; function fish_prompt; echo -n '@> '; end",
    }

    def __init__(self, shell, folder, hubctl_socket, **environment):
        self.shell, self.folder, self.shown = shell, folder, ""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            plain = {"PATH": f"{BIN}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "TERM": "xterm", "PS1": PROMPT, "INPUTRC": "/dev/null"}
            home = {"HOME": str(folder), "ZDOTDIR": str(folder), "HUBCTL_SOCKET": str(hubctl_socket)}
            command = self.commands[shell]
            os.execvpe(command[0], command, {**plain, **home, **environment})
        self._until(r"[>#$%] ")
        self.tell(f"{self.teller[shell]}; echo rea''dy\r", rf"ready\r*\n(?:.|\n)*?{PROMPT}")

    def _until(self, pattern, seconds=DEADLINE):
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.shown)):
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            assert ready, f"{self.shell} does not show {pattern!r}, but {self.shown!r}"
            self.shown += os.read(self.master, 65536).decode(errors="replace")
        return found

    def tell(self, typed, pattern, seconds=DEADLINE):
        """Types; the match of what is shown then."""
        self.shown = ""
        os.write(self.master, typed.encode())
        return self._until(pattern, seconds)

    def _try(self, typed, pattern):
        """The same, but None when it is not shown soon: the line is given up."""
        try:
            return self.tell(typed, pattern, DEADLINE / 4)
        except AssertionError:
            self.tell("\x03", PROMPT)
            return None

    def completes(self, line, words):
        """Types a line (a tab in it completes) with Enter behind: hubctl must be called with these words."""

        def called():
            found = self._try(f"{line}\r", PRINTED)
            return found and found[1][1:-1].split("><")

        settled(called, words)

    def lists(self, line, pattern):
        """Types a line and the tabs that make the shell list what may follow: the list must match. The last thing to do."""
        settled(lambda: self._try(line + self.tabs[self.shell], pattern) is not None, True)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.close(self.master)
        os.waitpid(self.pid, 0)
        assert not SANITIZER.search(self.shown), self.shown


@pytest.fixture
def terminal(world, tmp_path):
    """A factory for terminals; in the end nothing may have been run that stood in a name or an id."""
    opened = []

    def make(shell, **environment):
        opened.append(Terminal(shell, tmp_path, world.socket, **environment))
        return opened[-1]

    (tmp_path / "a file.token").write_text("")
    yield make
    for each in opened:
        each.close()
    assert not list(tmp_path.glob("*wned*"))


def walk(shell, world):
    """What works the same in each shell."""
    shell.completes("hubctl par\t", ["party"])
    shell.completes("hubctl party li\t--rol\tCPO", ["party", "list", "--role", "CPO"])
    shell.completes("hubctl party list --role=C\t", ["party", "list", "--role=CPO"])
    behind = "" if shell.shell == "fish" else ",status"  # fish puts a space behind whatever is the only one
    shell.completes(f"hubctl party list --json=id,na\t{behind}", ["party", "list", f"--json=id,name{behind}"])
    shell.completes("hubctl receiver set IN-X tokens:\tURL", ["receiver", "set", "IN-X", "tokens:sender", "URL"])
    shell.completes(f"hubctl party show {world.quiet.lower()[:-1]}\t", ["party", "show", world.quiet])
    shell.completes(f"hubctl party show '{world.quiet[:-1]}\t", ["party", "show", world.quiet])
    shell.completes(f"hubctl party show {world.quiet[:-1].replace('-', '')}\t", ["party", "show", world.quiet])
    shell.completes("hubctl token issue IN-X --out a\\ f\t", ["token", "issue", "IN-X", "--out", "a file.token"])
    shell.completes("hubctl token issue IN-X --out=a\t", ["token", "issue", "IN-X", "--out=a file.token"])
    shell.completes("hubctl token issue IN-X --out ~/a\t", ["token", "issue", "IN-X", "--out", f"{shell.folder}/a file.token"])
    (shell.folder / "link").symlink_to(world.socket)
    words = ["-s", f"{shell.folder}/link", "party", "show", world.quiet]
    shell.completes(f"hubctl -s ~/link party show {world.quiet[:-1]}\t", words)
    shell.completes("hubctl party nonsense \t", ["party", "nonsense"])
    for typed in ("", "LO", '"', "'LO"):
        shell.completes(f"hubctl object show location {world.cpo} {typed}\t", ["object", "show", "location", world.cpo, HOSTILE_ID])
    shell.lists(f"hubctl rule enable {world.quiet} IN-", r"HOS(?:.|\n)*touch pwned")


def test_bash(world, terminal, prefix):
    """Sourced from what hubctl prints, into a bash that has nothing else."""
    shell = terminal("bash")
    shell.tell("source <(command hubctl completion bash)\r", PROMPT)
    walk(shell, world)


def test_bash_completion(world, terminal, prefix):
    """Loaded by the package bash-completion from where it is installed, at the first Tab."""
    shell = terminal("bash", XDG_DATA_DIRS=str(prefix / "share"))
    shell.tell("source /usr/share/bash-completion/bash_completion\r", PROMPT)
    walk(shell, world)


def test_bash_function(world, tmp_path):
    """Called as readline calls it: COMPREPLY, with the cursor inside a word and in a list that is only looked at."""

    def reply(line, words, kind=9, after=""):
        quoted = " ".join(f"'{word}'" for word in words)
        script = (
            f"set -u; source {ROOT}/completions/hubctl.bash; COMP_LINE='{line}{after}' COMP_POINT={len(line)} COMP_TYPE={kind} COMP_WORDS=({quoted}); "
            f"COMP_CWORD={len(words) - 1}; _hubctl hubctl; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        )
        environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "HUBCTL_SOCKET": str(world.socket)}
        done = subprocess.run(["bash", "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.splitlines()

    assert reply("hubctl par", ["hubctl", "par"]) == ["party"]
    assert reply("hubctl par", ["hubctl", "parxx"], after="xx tail") == ["party"]
    assert reply("hubctl party list --role=", ["hubctl", "party", "list", "--role", "="]) == ["CPO", "EMSP", "NAP", "NSP", "SCSP", "OTHER"]
    assert reply("hubctl party list --role=C", ["hubctl", "party", "list", "--role", "=", "C"]) == ["CPO"]
    assert reply("hubctl party show in/q", ["hubctl", "party", "show", "in/q"]) == [world.quiet]
    assert reply("  hubctl   party  s", ["hubctl", "party", "s"]) == ["show", "set", "suspend"]
    listed = f"{world.held}  (held sessions {world.emsp})"
    settled(lambda: reply("hubctl delivery retry ", ["hubctl", "delivery", "retry", ""], kind=63)[0], listed)
    assert reply("hubctl nonsense ", ["hubctl", "nonsense", ""]) == [""]
    assert list(tmp_path.iterdir()) == []


def test_zsh(world, terminal, prefix):
    """Autoloaded by compinit from where it is installed."""
    shell = terminal("zsh")
    shell.tell(f"fpath=({prefix}/share/zsh/site-functions $fpath); autoload -U compinit; compinit -u -D\r", rf"\n\r*[^\r\n]*(?:.|\n)*?{PROMPT}")
    shell.completes(f"hubctl party show {world.quiet[:-1].replace('-', '/')}\t", ["party", "show", world.quiet])
    walk(shell, world)


def test_zsh_sourced(world, terminal):
    """Sourced from what hubctl prints, behind compinit."""
    shell = terminal("zsh")
    shell.tell("autoload -U compinit; compinit -u -D; source <(command hubctl completion zsh)\r", rf"\n\r*[^\r\n]*(?:.|\n)*?{PROMPT}")
    shell.completes(f"hubctl party show {world.quiet[:-1]}\t", ["party", "show", world.quiet])


def test_fish(world, terminal, prefix):
    """Loaded by fish from where it is installed."""
    walk(terminal("fish", XDG_DATA_DIRS=f"{prefix}/share:/usr/share"), world)


def test_fish_sourced(world, tmp_path):
    """Sourced from what hubctl prints; fish says what it would offer, with descriptions."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "HUBCTL_SOCKET": str(world.socket), "HOME": str(tmp_path)}

    def offered(line):
        script = f"hubctl completion fish | source; complete -C '{line}'"
        done = subprocess.run(["fish", "--no-config", "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.splitlines()

    assert offered("hubctl par") == ["party\tpartners: who takes part in roaming"]
    settled(lambda: offered(f"hubctl party show {world.hostile}"), [f"{world.hostile}\t{HOSTILE_NAME}"])
    assert offered("hubctl nonsense ") == []
