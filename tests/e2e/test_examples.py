"""The two examples of every command work when they are pasted.

A hub with the partners and objects that the examples speak of; what a reader would replace (numbers, fingerprints, the
partner's address) is replaced. New commands are found by themselves.
"""

import itertools
import re
import subprocess

import pytest

from tests.e2e.harness import BIN, Hub
from tests.e2e.test_walk import Shell
from tests.sim import Party, payloads

SESSION, CDR, LOCATION = "SES-2026-0001", "CDR-2026-0001", "LOC1"


def commands():
    """Words and examples of every command, as `-h` shows them."""

    def show(*words):
        return subprocess.run([BIN / "hubctl", *words, "-h"], capture_output=True, text=True, check=True).stdout

    def section(text, title):
        return re.search(rf"\n{title}:\n((?:  .*\n)+)", text).group(1)

    for noun in re.findall(r"(?m)^  (\S+)  ", section(show(), "Nouns")):
        text = show(noun)
        verbs = re.findall(r"(?m)^  (\S+)", section(text, "Commands")) if "\nCommands:\n" in text else [noun]
        for verb in verbs:
            words = [noun] if verb == noun else [noun, verb]
            yield " ".join(words), [line.strip() for line in section(show(*words), "Examples").splitlines()]


class World:
    """The hub of the examples, the folder that a command's are pasted in, and what takes the place of their numbers."""

    def __init__(self, hub):
        self.hub, self.folder = hub, None
        self.names = (f"IN-E{number:02d}" for number in itertools.count())
        self.cpo, self.emsp = (self.partner(*party) for party in (("IN-ABC", "CPO"), ("IN-XYZ", "EMSP")))
        hub.rule(self.emsp, self.cpo)
        self.cpo.put("locations", payloads.location(self.cpo.party, LOCATION))
        self.push()
        self.cpo.call("POST", "cdrs", payloads.cdr(self.cpo.party, self.emsp.party, ident=CDR, session_id=SESSION))
        self.emsp.command("START_SESSION", {"token": payloads.token(self.emsp.party), "location_id": LOCATION})

    def partner(self, name, role):
        return self.hub.onboard(Party.parse(name, role, f"{name[3:]} {role}"))

    def push(self):
        self.cpo.put("sessions", payloads.session(self.cpo.party, self.emsp.party, ident=SESSION))

    def new(self, role="CPO"):
        """A party that is only registered."""
        name = next(self.names)
        self.hub.ok("party", "add", name, "--role", role)
        return name

    # ---- what is replaced, by command

    def unknown_parties(self):
        """For party add."""
        return {"IN-ABC": self.new(), "IN-XYZ": next(self.names)}

    def registered(self):
        return {"IN-ABC": self.new()}

    def invited(self):
        """A partner that waits for the hub; its token is in the file and on stdin."""
        platform, token = self.hub.invited(Party.parse(next(self.names), "CPO", "Invited"))
        (self.folder / "abc.token").write_text(token)
        return {"IN-ABC": platform.id, "https://abc.example/ocpi/versions": f"{platform.url}/ocpi/versions"}

    def with_token(self):
        name = self.new()
        self.hub.issue(name)
        return {"IN-ABC": name, "1f2e3d4c": self.hub.rows("token", "list", name)[0]["fingerprint"]}

    def held(self):
        """A delivery that waits: the rule is off for a moment."""
        self.hub.ok("rule", "disable", "IN-XYZ", "IN-ABC")
        self.push()
        self.hub.ok("rule", "enable", "IN-XYZ", "IN-ABC")
        return {"42": str(self.hub.rows("delivery", "list", "--state", "held")[-1]["id"])}

    def routed(self):
        self.hub.rule(self.emsp, self.cpo)
        return {}

    def command(self):
        return {"7": str(self.hub.rows("command", "list")[0]["id"])}

    def correlation(self):
        rows = self.hub.wait_rows("audit", "tail", "-n", "1000", where=lambda row: row["action"] == "cdr.post", what="the CDR in the audit")
        return {"7f4c5f0e-8f6b-4c55-9f0a-1b2c3d4e5f60": rows[0]["correlation_id"]}


# What stands in for the examples' own words.
REPLACED = {
    "party add": World.unknown_parties,
    "party remove": World.registered,
    "party connect": World.invited,
    "token issue": World.registered,
    "token revoke": World.with_token,
    "delivery show": World.held,
    "delivery retry": World.held,
    "delivery drop": World.held,
    "rule matrix": World.routed,
    "command show": World.command,
    "trace": World.correlation,
}
UNTIL = {"hubctl audit tail -f --party IN-ABC": r"IN-ABC"}  # never ends; what it shows


@pytest.fixture(scope="module")
def world():
    with Hub() as hub:
        yield World(hub)


@pytest.mark.parametrize("words, examples", [pytest.param(words, examples, id=words) for words, examples in commands()])
def test_examples_work_when_pasted(world, tmp_path, words, examples):
    world.folder = tmp_path
    assert len(examples) == 2
    shell = Shell(f'cd {tmp_path} && export PATH="{BIN}:$PATH" HUBCTL_SOCKET={world.hub.socket}')
    for example in examples:
        line = example
        for text, by in REPLACED.get(words, lambda world: {})(world).items():
            line = re.sub(rf"(?<![\w-]){re.escape(text)}(?!\w)", by, line)
        if example in UNTIL:
            shell.run_until(line, UNTIL[example])
            continue
        if line.endswith(" -") and "|" not in line:
            line += " < abc.token"
        shell.run(line)
