"""The configuration as one document: hubctl export, diff, apply (hubctl-export(1), hubctl-diff(1), hubctl-apply(1))."""

import copy
import json
import os
import re
import shutil
import socket
import stat

import pytest

from tests.e2e.harness import BIN, DEADLINE, Line, eventually, forms, on_terminal
from tests.sim import payloads

NOBODY = 65534
STRANGER = dict(user=NOBODY, group=NOBODY, extra_groups=[])
as_another = pytest.mark.skipif(
    os.geteuid() != 0 or not all(os.stat(parent).st_mode & stat.S_IXOTH for parent in [BIN, *BIN.parents]),
    reason="only root can act as another user, who must be able to run the programs",
)

# Of everything that a document can say something, in the form in which export says it.
WHOLE = {
    "parties": [
        {"id": "IN-ABC", "roles": ["CPO"], "name": "ABC \"Charging\" é", "website": "https://abc.example", "token_encoding": "raw",
         "from": "hub", "allowed_hosts": ["cb.abc.example"], "validation": "strict", "forward_unknown_sessions": True, "push": [], "suspend_reason": None},
        {"id": "IN-TWO:CPO", "roles": ["CPO"], "name": None, "website": None, "token_encoding": "auto", "from": "party", "allowed_hosts": [],
         "validation": "default", "forward_unknown_sessions": False, "push": [], "suspend_reason": "unpaid"},
        {"id": "IN-TWO:EMSP", "roles": ["EMSP"], "name": None, "website": None, "platform": "IN-ABC", "validation": "default", "forward_unknown_sessions": False,
         "push": ["locations", "tariffs"], "suspend_reason": None},
        {"id": "IN-XYZ", "roles": ["EMSP"], "name": "XYZ", "website": None, "token_encoding": "auto", "from": "party", "allowed_hosts": [],
         "validation": "tolerant", "forward_unknown_sessions": False, "push": ["tariffs"], "suspend_reason": None},
    ],
    "receivers": [
        {"party": "IN-ABC", "module": "commands", "url": "https://abc.example/ocpi/commands"},
        {"party": "IN-TWO:EMSP", "module": "sessions", "url": "https://two.example/sessions"},
        {"party": "IN-XYZ", "module": "sessions", "url": "https://xyz.example/sessions"},
    ],
    "rules": [
        {"emsp": "IN-TWO:EMSP", "cpo": "IN-TWO:CPO", "state": "on"},
        {"emsp": "IN-XYZ", "cpo": "IN-ABC", "state": "on"},
    ],
    "limits": [
        {"party": "IN-XYZ", "module": "authorize", "rate": "500/min"},
        {"party": "default", "module": "commands", "rate": "0"},
    ],
}  # fmt: skip
LISTS = ("parties", "receivers", "rules", "limits")


def lists_of(text):
    document = json.loads(text)
    return {name: document[name] for name in LISTS}


def say(hub, verb, document, *options, rc=0, **process):
    """The verb with the document on stdin."""
    text = document if isinstance(document, str) else json.dumps(document)
    result = hub.ctl(verb, "-f", "-", *options, stdin=text, **process)
    assert rc is None or result.rc == rc, result
    return result


def differences(hub, verb, document, *options, rc=0):
    rows = say(hub, verb, document, "--json", *options, rc=rc).json
    return {(row["change"], row["kind"], row["id"], row["field"]): (row["before"], row["after"]) for row in rows}


def problems(result):
    return {line[len("hubctl: "):] for line in result.err.splitlines() if line.startswith("hubctl: /")}


@pytest.fixture(scope="module")
def hub_settings():
    return {"admin_group": "nogroup"}


@pytest.fixture(scope="module")
def whole(hub):
    """The module's hub with everything of WHOLE."""
    say(hub, "apply", WHOLE)
    return hub


@pytest.fixture(autouse=True)
def as_it_was(request):
    """A test that changes the shared hub puts it back, by the way that is under test."""
    yield
    if "whole" in request.fixturenames:
        hub = request.getfixturevalue("whole")
        say(hub, "apply", WHOLE, "--prune")


# ---------------------------------------------------------------- round trip


def test_export_tells_it_all(whole):
    """What was applied comes out: sorted, by itself, the same bytes twice, and no difference to itself."""
    first = whole.ok("export").out
    assert lists_of(first) == WHOLE
    document = json.loads(first)
    assert list(document) == ["schema", "revision", *LISTS] and document["schema"] == "hub.config.v1"
    assert whole.ok("export").out == first
    assert '\n    {"party": "IN-XYZ", "module": "sessions", "url": "https://xyz.example/sessions"}\n' in first
    for verb, words in (("diff", "no differences"), ("apply", "no changes")):
        result = say(whole, verb, first, "--prune")
        assert (result.out, result.err) == ("", f"{words}\n")
        assert say(whole, verb, first, "--json", "--prune").out == "" and say(whole, verb, first, "-q").err == ""
    assert whole.ok("export", "--field", "schema").out == "hub.config.v1\n"


def test_carried_to_another_hub(whole, new_hub):
    """export, apply on a fresh hub, export: the same apart from the revision. The order of the document does not matter."""
    other = new_hub()
    assert json.loads(other.ok("export").out)["parties"] == []
    text = whole.ok("export").out
    document = json.loads(text)
    for name in LISTS:
        document[name].reverse()
    document["parties"][1]["platform"] = "INABC:cpo"  # the same party, written in another way
    say(other, "apply", document)
    assert lists_of(other.ok("export").out) == lists_of(text)
    assert other.rows("party", "list") == whole.rows("party", "list") and other.rows("limit", "list") == whole.rows("limit", "list")
    assert say(other, "apply", document).err == "no changes\n"
    text = other.ok("export").out
    other.ok("token", "issue", "IN-ABC")
    other.stop()
    other.restart()
    assert other.ok("export").out == text


def test_what_discovery_found_is_no_configuration(new_hub):
    """Receivers of the exchange are not exported; one that is set is; no token and no fingerprint ever."""
    hub, cpo, emsp = new_hub().pair()
    unused = hub.add(hub.platform("CPO"))
    secrets = [cpo.token, cpo.hub_token, emsp.token, emsp.hub_token, hub.issue(unused.id)]
    before = hub.ok("export").out
    assert json.loads(before)["receivers"] == [] and len(hub.rows("receiver", "list")) > 4
    url = hub.receiver(emsp, "sessions")
    assert differences(hub, "apply", {"receivers": [{"party": emsp.id, "module": "SESSIONS", "url": url}]}) == {
        ("added", "receiver", f"{emsp.id} sessions", "url"): (None, url)}  # fmt: skip
    text = hub.ok("export").out
    assert json.loads(text)["receivers"] == [{"party": emsp.id, "module": "sessions", "url": url}]
    fingerprints = [row["fingerprint"].encode() for row in hub.rows("token", "list")]
    assert len(fingerprints) >= 3
    for hidden in [form for secret in secrets for form in forms(secret)] + fingerprints:
        assert hidden not in text.encode()
    assert differences(hub, "apply", {"receivers": []}, "--prune") == {("removed", "receiver", f"{emsp.id} sessions", "url"): (url, None)}
    assert hub.status_of(cpo.id) == "CONNECTED"


# ---------------------------------------------------------------- changes


def edited():
    """WHOLE with one change of each kind, and what differs then."""
    document = copy.deepcopy(WHOLE)
    abc, xyz = document["parties"][0], document["parties"][3]
    abc |= {"name": "New name", "allowed_hosts": ["other.abc.example"], "suspend_reason": "late"}
    xyz["roles"] = ["CPO", "EMSP"]
    document["receivers"][2]["url"] = "https://xyz.example/new/{session_id}"
    document["rules"][0]["state"] = "off"
    document["rules"][1]["state"] = "drain"
    document["limits"][0]["rate"] = "1/s"
    document["parties"].append({"id": "in*new", "roles": ["CPO"], "platform": "INXYZ"})
    document["receivers"].append({"party": "IN-NEW", "module": "commands", "url": "https://new.example/c/"})
    new = {"id": "in-new", "roles": ["CPO"], "name": None, "website": None, "platform": "IN-XYZ", "validation": "default",
           "forward_unknown_sessions": False, "push": [], "suspend_reason": None}  # fmt: skip
    return document, {
        ("changed", "party", "IN-ABC", "name"): (WHOLE["parties"][0]["name"], "New name"),
        ("changed", "party", "IN-ABC", "allowed_hosts"): (["cb.abc.example"], ["other.abc.example"]),
        ("changed", "party", "IN-ABC", "suspend_reason"): (None, "late"),
        ("changed", "party", "IN-XYZ", "roles"): (["EMSP"], ["CPO", "EMSP"]),
        ("added", "party", "in-new", None): (None, new),
        ("changed", "receiver", "IN-XYZ sessions", "url"): ("https://xyz.example/sessions", "https://xyz.example/new"),
        ("added", "receiver", "in-new commands", "url"): (None, "https://new.example/c"),
        ("removed", "rule", "IN-TWO:EMSP IN-TWO:CPO", "state"): ("on", None),
        ("changed", "rule", "IN-XYZ IN-ABC", "state"): ("on", "drain"),
        ("changed", "limit", "IN-XYZ authorize", "rate"): ("500/min", "1/s"),
    }


def test_diff_dry_run_apply(new_hub):
    """The three tell the same; only the last one changes anything; it leaves the rows of the single verbs and one that sums up."""
    hub = new_hub()
    say(hub, "apply", WHOLE)
    document, expected = edited()
    before, rows = hub.ok("export").out, hub.audit()
    assert differences(hub, "diff", document, rc=6) == expected
    result = say(hub, "apply", document, "--dry-run")
    summary = "2 added, 5 changed, 1 removed, 5 unchanged"
    assert result.err == f"dry run: {summary}; nothing was changed\n" and len(result.rows) == len(expected)
    assert differences(hub, "apply", document, "--dry-run") == expected
    assert all(row["dry_run"] is True for row in say(hub, "apply", document, "--dry-run", "--json").json)
    assert (hub.ok("export").out, hub.audit()) == (before, rows)
    result = say(hub, "apply", document)
    assert result.err == f"{summary}\n"
    assert ["changed", "rule", "IN-XYZ IN-ABC", "state", "on", "drain"] in result.rows
    added = hub.audit()[len(rows):]
    assert [(row["action"], row["party"]) for row in added] == [
        ("party.set", "IN-ABC"), ("party.suspend", "IN-ABC"), ("party.add", "IN-XYZ"), ("party.add", "in-new"), ("receiver.set", "IN-XYZ"),
        ("receiver.set", "in-new"), ("rule.disable", "IN-TWO"), ("rule.disable", "IN-XYZ"), ("limit.set", "IN-XYZ"), ("apply", None),
    ]  # fmt: skip
    assert added[-1]["detail"]["after"] == {"added": 2, "changed": 5, "removed": 1, "unchanged": 5, "prune": False}
    assert added[0]["detail"]["after"]["name"] == "New name" and {row["actor"] for row in added} == {rows[0]["actor"]}
    assert say(hub, "apply", document).err == "no changes\n" and len(hub.audit()) == len(rows) + len(added)
    assert hub.ctl("audit", "verify").rc == 0


def test_an_empty_document_says_nothing(whole):
    """{} and empty lists leave everything; only with --prune does an empty list take away, and never a party."""
    before = whole.ok("export").out
    for document in ({}, {"schema": "hub.config.v1", "revision": None}, {name: [] for name in LISTS}):
        assert say(whole, "apply", document).err == "no changes\n"
    assert say(whole, "apply", {}, "--prune").err == "no changes\n"
    assert whole.ok("export").out == before
    removed = differences(whole, "diff", {"limits": [], "parties": [], "rules": WHOLE["rules"][:1]}, "--prune", rc=6)
    assert sorted(removed) == [("removed", "limit", "IN-XYZ authorize", "rate"), ("removed", "limit", "default commands", "rate"),
                               ("removed", "rule", "IN-XYZ IN-ABC", "state")]  # fmt: skip
    assert len(differences(whole, "apply", {name: [] for name in LISTS}, "--prune")) == 7
    assert lists_of(whole.ok("export").out) == WHOLE | {"receivers": [], "rules": [], "limits": []}


def test_members_that_are_not_there_stay(whole):
    """A document may say less: what a party does not have stays, null and "" empty it."""
    assert say(whole, "apply", {"parties": [{"id": "IN-ABC", "roles": ["CPO"]}]}).err == "no changes\n"
    got = differences(whole, "apply", {"parties": [{"id": "IN-ABC", "roles": ["CPO"], "name": "", "website": None, "allowed_hosts": []}]})
    assert {field: after for (_, _, _, field), (_, after) in got.items()} == {"name": None, "website": None, "allowed_hosts": []}
    (row,) = differences(whole, "apply", {"parties": [{"id": "IN-TWO:CPO", "roles": ["CPO"], "suspend_reason": ""}]}).values()
    assert row == ("unpaid", None) and whole.status_of("IN-TWO:CPO") == "PLANNED"


def test_what_follows_is_done(new_hub):
    """A receiver releases what waited for it, a rule that goes holds what is queued: as with the single verbs."""
    hub, cpo, emsp = new_hub().pair(emsp_options={"hide": {"sessions"}})
    assert cpo.put("sessions", payloads.session(cpo.party, emsp.party)).outcome == (201, 1000)
    hub.wait_rows("delivery", "list", "--state", "held", where=lambda row: row["to"] == emsp.id, what="the held row")
    say(hub, "apply", {"receivers": [{"party": emsp.id, "module": "sessions", "url": f"{emsp.url}/ocpi/2.2.1/sessions"}]})
    emsp.wait("PUT", "/sessions/")
    eventually(lambda: not hub.deliveries(to=emsp.id), "its answer has arrived")
    emsp.down()
    assert cpo.put("sessions", payloads.session(cpo.party, emsp.party, "SES-2")).outcome == (201, 1000)
    result = say(hub, "apply", {"rules": [{"emsp": emsp.id, "cpo": cpo.id, "state": "off"}]})
    assert result.rows == [["removed", "rule", f"{emsp.id} {cpo.id}", "state", "on", ""]]
    assert {(row["object"].upper(), row["state"]) for row in hub.deliveries(to=emsp.id)} == {("SES-2", "held")}
    assert hub.audit(action="delivery.hold", to=emsp.id)


def test_on_a_terminal(whole):
    """One line per difference and the sum, and not wider than it must be."""
    document, _ = edited()
    file = whole.directory / "edited.json"
    file.write_text(json.dumps(document))
    code, shown = on_terminal(whole, "diff", "-f", str(file), environment={"NO_COLOR": "1"})
    assert code == 6
    lines = shown.splitlines()
    assert "+ party in-new" in lines and "~ rule IN-XYZ IN-ABC state on -> drain" in lines
    assert "- rule IN-TWO:EMSP IN-TWO:CPO state on" in lines and "+ receiver in-new commands url https://new.example/c" in lines
    assert lines[-1] == "2 added, 5 changed, 1 removed, 5 unchanged"
    code, shown = on_terminal(whole, "apply", "--dry-run", "-f", str(file), environment={"CLICOLOR": "1"})
    assert code == 0 and "\x1b[32m+ party in-new\x1b[0m\n" in shown
    assert say(whole, "diff", document, "-q", rc=6).out.splitlines().count("in-new") == 1


# ---------------------------------------------------------------- all or nothing


MISTAKES = {
    "unknown member": ({"parties": [{"id": "IN-ABC", "roles": ["CPO"], "nmae": "x"}]}, "/parties/0/nmae: no such member; did you mean name?"),
    "unknown list": ({"partys": []}, "/partys: no such member; did you mean parties?"),
    "escaped name": ({"a/b~c": 1}, "/a~1b~0c: no such member"),
    "not a list": ({"rules": {}}, "/rules: must be an array"),
    "not an object": ({"limits": [7]}, "/limits/0: must be an object"),
    "wrong type": ({"parties": [{"id": "IN-ABC", "roles": ["CPO"], "name": 3}]}, "/parties/0/name: must be a text"),
    "not a list of words": ({"parties": [{"id": "IN-ABC", "roles": "CPO"}]}, "/parties/0/roles: must be an array"),
    "no role": ({"parties": [{"id": "IN-QQQ", "roles": []}]}, "/parties/0/roles: must not be empty"),
    "unknown role": ({"parties": [{"id": "IN-ABC", "roles": ["CPO", "CPX"]}]}, '/parties/0/roles/1: "CPX" is none of'),
    "missing": ({"receivers": [{"party": "IN-XYZ", "module": "cdrs"}]}, "/receivers/0/url: is missing"),
    "no party id": ({"parties": [{"id": "ABC", "roles": ["CPO"]}]}, "/parties/0/id: no party id; write it as IN-ABC"),
    "state": ({"rules": [{"emsp": "IN-XYZ", "cpo": "IN-ABC", "state": "onn"}]}, '/rules/0/state: "onn" is none of on, off, drain'),
    "rate": ({"limits": [{"party": "default", "module": "commands", "rate": "fast"}]}, "/limits/0/rate: no rate"),
    "module": ({"limits": [{"party": "default", "module": "comands", "rate": "1/s"}]}, '/limits/0/module: "comands" is none of'),
    "control byte": ({"parties": [{"id": "IN-ABC", "roles": ["CPO"], "name": "a\nb"}]}, "/parties/0/name: must not contain control"),
    "schema": ({"schema": "hub.config.v2"}, "/schema: hubd"),
    "revision": ({"revision": "yesterday"}, "/revision: is none that `export` writes"),
    "twice": ({"parties": [{"id": "IN-ABC", "roles": ["CPO"]}, {"id": "in/abc", "roles": ["CPO"]}]}, "/parties/1: IN-ABC is /parties/0 already"),
    "twice with role": ({"parties": [{"id": "IN-ABC:CPO", "roles": ["CPO"]}, {"id": "INABC", "roles": ["CPO"]}]}, "/parties/0: IN-ABC:CPO is"),
    "receiver twice": ({"receivers": [{"party": p, "module": "cdrs", "url": "https://x.example"} for p in ("IN-XYZ", "INXYZ")]}, "/receivers/1: "),
    "member twice": ('{"rules": [], "rules": []}', "/rules: is there twice"),
    "inner member twice": ('{"rules": [{"emsp":"IN-XYZ","cpo":"IN-ABC","state":"on","cpo":"IN-ABC"}]}', "/rules/0/cpo: is there twice"),
    "circle": ({"parties": [{"id": "IN-Q01", "roles": ["CPO"], "platform": "IN-Q02"}, {"id": "IN-Q02", "roles": ["CPO"], "platform": "IN-Q01"}]},
               "/parties/0/platform: leads from party to party"),
    # what the verbs know
    "url": ({"receivers": [{"party": "IN-XYZ", "module": "cdrs", "url": "ftp://x"}]}, "/receivers/0/url: the URL does not begin"),
    "website": ({"parties": [{"id": "IN-QQQ", "roles": ["CPO"], "website": "x"}]}, "/parties/0/website: the URL does not begin"),
    "host": ({"parties": [{"id": "IN-ABC", "roles": ["CPO"], "allowed_hosts": ["a b"]}]}, '/parties/0/allowed_hosts: "a b" is no host'),
    "push": ({"parties": [{"id": "IN-XYZ", "roles": ["EMSP"], "push": ["cdrs"]}]}, '/parties/0/push: "cdrs" is nothing that can be pushed'),
    "push to a CPO": ({"parties": [{"id": "IN-QQQ", "roles": ["CPO"], "push": ["tariffs"]}]}, "/parties/0/push: party IN-QQQ is no EMSP"),
    "the hub itself": ({"parties": [{"id": "IN-CIH", "roles": ["CPO"]}]}, "/parties/0: party IN-CIH: that is the hub's own id"),
    "no such party": ({"receivers": [{"party": "IN-QQQ", "module": "cdrs", "url": "https://x.example"}]}, "/receivers/0: party IN-QQQ: no such party"),
    "wrong role": ({"rules": [{"emsp": "IN-ABC", "cpo": "IN-XYZ", "state": "on"}]}, "/rules/0: party IN-ABC is no EMSP"),
    "two of that id": ({"limits": [{"party": "IN-TWO", "module": "commands", "rate": "1/s"}]}, "/limits/0: party IN-TWO is on 2 platforms"),
    "role taken away": ({"parties": [{"id": "IN-ABC", "roles": ["EMSP"]}]}, "/parties/0/roles: IN-ABC is CPO too"),
    "moved": ({"parties": [{"id": "IN-XYZ", "roles": ["EMSP"], "platform": "IN-ABC"}]}, "/parties/0/platform: IN-XYZ is on the platform of IN-XYZ"),
    "host unknown": ({"parties": [{"id": "IN-QQQ", "roles": ["CPO"], "platform": "IN-NOP"}]}, "/parties/0: party IN-NOP: no such party"),
    "role elsewhere": ({"parties": [{"id": "IN-TWO:EMSP", "roles": ["EMSP", "CPO"]}]}, "/parties/0: party IN-TWO is CPO already"),
    "platform's member twice": ({"parties": [{"id": "IN-ABC", "roles": ["CPO"], "token_encoding": "raw"},
                                             {"id": "IN-TWO:EMSP", "roles": ["EMSP"], "token_encoding": "base64"}]}, "/parties/0/token_encoding: another"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_place(whole, mistake):
    """diff, --dry-run and apply refuse it alike, exit 1, and nothing is changed, however good the rest of the document is."""
    document, expected = MISTAKES[mistake]
    before, head = whole.ok("export").out, whole.one("status")["audit_head"]
    if isinstance(document, dict):
        good = {"id": "IN-GUT", "roles": ["CPO"]}
        document = document | {"parties": document.get("parties", []) + [good]}
    for verb, *options in (("diff",), ("apply", "--dry-run"), ("apply", "--prune")):
        result = say(whole, verb, document, *options, rc=1)
        assert any(problem.startswith(expected) for problem in problems(result)), result
        assert result.out == "" and result.err.startswith("hubctl: the document has mistakes; nothing was changed\n"), result
        assert result.err.endswith("\nhint: hubctl export shows how a document is written\n"), result
        assert len(problems(result)) == (2 if mistake == "circle" else 1), result
    assert (whole.ok("export").out, whole.one("status")["audit_head"]) == (before, head)


def test_all_mistakes_at_once(whole):
    """Every one is listed, up to fifty; the rest is counted. Those of one party too, and none twice."""
    party = {"id": "IN-QQQ", "roles": ["CPO"], "website": "x", "push": ["tariffs"], "allowed_hosts": ["a b"]}
    receiver = {"party": "IN-QQQ", "module": "cdrs", "url": "x"}
    found = problems(say(whole, "apply", {"parties": [party], "receivers": [receiver]}, rc=1))
    assert {problem.split(":")[0] for problem in found} == {"/parties/0/website", "/parties/0/push", "/parties/0/allowed_hosts", "/receivers/0/url"}
    many = say(whole, "apply", {"rules": [{}] * 100}, rc=1)
    assert len(problems(many)) == 50 and "hubctl: and 250 more\n" in many.err


@pytest.mark.parametrize("turn", range(4))
def test_killed_in_the_middle(new_hub, turn):
    """kill -9 right after the request, or as soon as the first audit row may be there: after the restart all of it is there, or nothing."""
    hub = new_hub()
    names = [f"IN-{a}{b}{c}" for a in "KLMN" for b in "ABCDEFGHIJ" for c in "0123456789"]
    document = {"parties": [{"id": name, "roles": ["CPO" if name[3] == "K" else "EMSP"], "name": name} for name in names],
                "receivers": [{"party": name, "module": "commands", "url": f"https://{name}.example/c"} for name in names]}  # fmt: skip
    request = {"jsonrpc": "2.0", "id": 1, "method": "apply", "params": {"document": document}}
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(str(hub.socket))
        wire.sendall(json.dumps(request).encode() + b"\n")
        if turn > 0:  # a little later each time, measured by answers that the hub gives meanwhile
            for _ in range(turn * turn):
                hub.ok("version")
        hub.kill()
    hub.restart()
    got, actions = lists_of(hub.ok("export").out), [row["action"] for row in hub.audit()]
    assert (len(got["parties"]), len(got["receivers"])) in ((0, 0), (400, 400))
    assert len(actions) in (0, 801) and (len(actions) == 801) == (len(got["parties"]) == 400)
    say(hub, "apply", document)
    assert say(hub, "apply", document).err == "no changes\n"


def test_a_client_that_does_not_wait(new_hub):
    """Ctrl-C behind the request: hubd finishes all of it."""
    hub = new_hub()
    request = {"jsonrpc": "2.0", "id": 1, "method": "apply", "params": {"document": WHOLE}}
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(str(hub.socket))
        wire.sendall(json.dumps(request).encode() + b"\n")
    eventually(lambda: lists_of(hub.ok("export").out) == WHOLE, "all of it is there")


def test_a_party_written_with_its_role(new_hub):
    """It is the same one: what the document says of it is not pruned, is counted once, and cannot be said twice."""
    hub = new_hub()
    receiver = {"party": "IN-BBB:EMSP", "module": "sessions", "url": "https://b.example/s"}
    rule = {"emsp": "IN-BBB:EMSP", "cpo": "in*ccc:cpo", "state": "on"}
    limit = {"party": "IN-BBB:CPO", "module": "authorize", "rate": "7/min"}
    document = {"parties": [{"id": "IN-BBB", "roles": ["CPO", "EMSP"]}, {"id": "IN-CCC:CPO", "roles": ["CPO"]}],
                "receivers": [receiver], "rules": [rule], "limits": [limit]}  # fmt: skip
    assert say(hub, "apply", document).err == "5 added, 0 changed, 0 removed, 0 unchanged\n"
    assert say(hub, "apply", document, "--prune").err == "no changes\n"
    assert (len(hub.rows("receiver", "list")), len(hub.rows("rule", "list"))) == (1, 1)
    twice = {
        "receivers": [receiver, {**receiver, "party": "IN-BBB", "url": "https://b.example/t"}],
        "rules": [{**rule, "emsp": "IN-BBB", "state": "off"}, rule],
        "limits": [limit, {**limit, "party": "IN-BBB:EMSP"}],
    }
    for name, id in (("receivers", "IN-BBB sessions"), ("rules", "IN-BBB IN-CCC"), ("limits", "IN-BBB authorize")):
        assert problems(say(hub, "apply", {name: twice[name]}, rc=1)) == {f"/{name}/1: {id} is /{name}/0 already"}


def test_hubd_ends_in_the_middle(new_hub):
    """SIGTERM does not wait until a long document is planned: nothing of it is done. Nearly always the first time."""
    hub = new_hub()
    sides = {"EMSP": [f"IN-E{n}" for n in range(10, 99)], "CPO": [f"IN-C{n}" for n in range(10, 99)]}
    document = {
        "parties": [{"id": id, "roles": [role]} for role, ids in sides.items() for id in ids],
        "rules": [{"emsp": emsp, "cpo": cpo, "state": "on"} for emsp in sides["EMSP"] for cpo in sides["CPO"]],
    }
    for _ in range(10):
        line, other = Line(hub), Line(hub)
        line.send(("apply", {"document": document}))
        other.send(("version", {}))
        assert other.next()["result"]
        hub.stop()
        line.close()
        other.close()
        hub.restart()
        if not lists_of(hub.ok("export").out)["parties"]:
            return
        hub.stop()
        shutil.rmtree(hub.settings["state_dir"])
        hub.settings["key_file"].unlink()
        hub.restart()
    raise AssertionError("hubd did all of it each time")


def test_two_at_a_time(new_hub):
    """Documents that come together are applied one behind the other, each as a whole."""
    hub = new_hub()
    wires = [socket.socket(socket.AF_UNIX) for _ in range(6)]
    for number, wire in enumerate(wires):
        parties = [{"id": f"IN-Q{i:02d}", "roles": ["CPO"], "name": f"by {number}"} for i in range(60)]
        wire.settimeout(DEADLINE)
        wire.connect(str(hub.socket))
        wire.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "apply", "params": {"document": {"parties": parties}}}).encode() + b"\n")
    for wire in wires:
        with wire, wire.makefile() as lines:
            answer = json.loads(next(line for line in lines if '"id"' in line))
            assert "60" in answer["result"]["message"], answer
    assert len({row["name"] for row in hub.rows("party", "list")}) == 1
    assert len(hub.audit(action="apply")) == len(wires)


def test_more_than_can_be_listed(new_hub):
    """A thousand parties and ten thousand receivers at once: all are applied and counted, ten thousand are listed."""
    hub = new_hub()
    names = [f"IN-{a}{b}{c}" for a in "LMNOPQRSTU" for b in "0123456789" for c in "0123456789"]
    modules = ("cdrs", "sessions", "tokens", "commands", "locations", "tariffs", "hubclientinfo", "chargingprofiles", "versions", "credentials")
    document = {"parties": [{"id": name, "roles": ["EMSP"]} for name in names],
                "receivers": [{"party": name, "module": module, "url": f"https://{name}.example/{module}"} for name in names for module in modules]}  # fmt: skip
    result = say(hub, "apply", document)
    assert result.err == "11000 added, 0 changed, 0 removed, 0 unchanged; listed are the first 10000 differences\n"
    assert len(result.rows) == 10000 and say(hub, "apply", document).err == "no changes\n"
    assert len(hub.rows("receiver", "list")) == 10000


# ---------------------------------------------------------------- revisions


@as_another
def test_conflict_names_who_and_when(whole):
    """What somebody else has changed since the export is not undone; it is told who did it when; nothing of the document is applied."""
    document = json.loads(whole.ok("export").out)
    document["parties"][3]["name"] = "mine"
    document["limits"][0]["rate"] = "7/min"
    document["receivers"][2]["url"] = "https://xyz.example/mine"
    whole.ok("party", "set", "IN-XYZ", "--name", "theirs", **STRANGER)
    whole.ok("rule", "disable", "IN-TWO", "IN-TWO", **STRANGER)
    document["rules"][0]["state"] = "on"
    before = whole.ok("export").out
    for options in ((), ("--dry-run",)):
        result = say(whole, "apply", document, *options, rc=1)
        assert result.err.startswith("hubctl: others have changed what this document would change, since it was exported; nothing was changed\n")
        told = [line for line in result.err.splitlines() if ": changed by uid:" in line]
        assert [re.match(r"hubctl: (\w+ [^:]*(?::\w+ [^:]*:\w+)?): changed by", line)[1] for line in sorted(told)] == [
            "party IN-XYZ", "rule IN-TWO:EMSP IN-TWO:CPO"], result  # fmt: skip
        assert all(f"uid:{NOBODY} " in line for line in told)
        (row,) = whole.audit(action="party.set", party="IN-XYZ", actor=whole.audit(action="party.set", party="IN-XYZ")[-1]["actor"])[-1:]
        assert any(row["time"] in line and "(party.set)" in line for line in told), (row, told)
        assert "hint: hubctl export again" in result.err
    assert whole.ok("export").out == before
    assert say(whole, "diff", document, rc=6).err.endswith("unchanged\n")
    fresh = json.loads(before)
    fresh["limits"][0]["rate"] = "7/min"
    assert say(whole, "apply", fresh).err == "0 added, 1 changed, 0 removed, 9 unchanged\n"
    del document["revision"]
    say(whole, "apply", document)
    assert whole.one("party", "show", "IN-XYZ")["name"] == "mine"


@as_another
def test_changes_that_do_not_touch_it_are_no_conflict(whole):
    """An old document applies as long as others have changed other things; and one's own changes are one's own."""
    document = json.loads(whole.ok("export").out)
    whole.ok("party", "set", "IN-ABC", "--name", "theirs", **STRANGER)
    whole.ok("limit", "set", "IN-ABC", "commands", "9/min", **STRANGER)
    whole.ok("party", "set", "IN-XYZ", "--name", "mine, before")
    del document["parties"][0]
    document["parties"][2]["name"] = "mine"
    document["limits"][1]["rate"] = "8/min"
    assert sorted(differences(whole, "apply", document)) == [("changed", "limit", "default commands", "rate"), ("changed", "party", "IN-XYZ", "name")]
    document["parties"][2]["name"] = "mine again"
    assert len(differences(whole, "apply", document)) == 1


def test_the_revision_goes_with_the_configuration(whole):
    """The same for the same configuration, whatever else is audited meanwhile; another one after a change."""
    first = whole.ok("export", "--field", "revision").out
    whole.ok("token", "issue", "IN-XYZ")
    assert whole.ok("export", "--field", "revision").out == first
    whole.ok("rule", "disable", "IN-XYZ", "IN-ABC")
    assert whole.ok("export", "--field", "revision").out != first


# ---------------------------------------------------------------- files and rights


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", "stdin: empty"),
        ('{\n  "parties": [\n    {"id": "IN-ABC",}\n]}', "stdin:3:21: not JSON"),
        ('{"parties": []', "stdin:1:15: not JSON"),
        ("\ufeff{}", "stdin:1:1: not JSON: a byte order mark"),
        ("[" * 20 + "]" * 20, "stdin:1:17: nested deeper than 16 levels"),
        ("[]", "--file: must be an object"),
        ('{"parties": []}' + " " * (16 << 20), "stdin: more than 16 MiB"),
    ],
    ids=["empty", "comma", "cut", "bom", "deep", "array", "huge"],
)
def test_no_document(whole, text, expected):
    """What is no JSON object is refused before hubd sees it: exit 2, with line and column."""
    for verb in ("diff", "apply"):
        result = say(whole, verb, text, rc=2)
        assert result.err.startswith("hubctl: ") and expected in result.err.splitlines()[0] and result.out == "", result


def test_files(whole):
    """A file is read as stdin is; one that is not there is told; large ones fit; too large a message is refused by hubd too."""
    file = whole.directory / "hub.json"
    file.write_text(whole.ok("export").out)
    assert whole.ok("diff", "-f", file).err == "no differences\n"
    missing = whole.ctl("apply", "--file", file.with_name("nothing.json"))
    assert missing.rc == 2 and "nothing.json: No such file" in missing.err
    assert whole.ctl("apply").rc == 2 and whole.ctl("diff", "-f").rc == 2
    file.write_text(json.dumps({"parties": [{"id": "IN-ABC", "roles": ["CPO"]}]}) + " " * (8 << 20))
    assert whole.ok("apply", "-f", file).err == "no changes\n"
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(DEADLINE)
        wire.connect(str(whole.socket))
        try:
            wire.sendall(b" " * (17 << 20))
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert b"a message of more than 16 MiB" in wire.recv(65536)


def test_few_long_lines_at_a_time(whole):
    """Memory is bounded: of clients that send more than 128 KiB of a line, four are heard; the next is told to come later."""
    wires = [socket.socket(socket.AF_UNIX) for _ in range(5)]
    for wire in wires:
        wire.settimeout(DEADLINE)
        wire.connect(str(whole.socket))
    answered = []
    for wire in wires:
        try:
            wire.sendall(b" " * (2 << 20))
        except (BrokenPipeError, ConnectionResetError):
            pass  # turned away before it has sent all
        wire.setblocking(False)

    def answer(wire):
        try:
            return wire.recv(65536)
        except BlockingIOError:
            return b""

    eventually(lambda: answered.append([answer(wire) for wire in wires]) or any(answered[-1]), "one is turned away")
    (told,) = [text for text in answered[-1] if text]
    assert b"too many large documents" in told and json.loads(told)["error"]["data"]["code"] == "busy"
    for wire in wires:
        wire.close()
    eventually(lambda: say(whole, "apply", "{}" + " " * (2 << 20), rc=None).rc == 0, "large ones are heard again")


@as_another
def test_rights(new_hub):
    """viewer_group exports and compares; it applies nothing, not even for show."""
    hub = new_hub(viewer_group="nogroup")
    say(hub, "apply", WHOLE)
    text = hub.ok("export", **STRANGER).out
    assert lists_of(text) == WHOLE and say(hub, "diff", text, **STRANGER).err == "no differences\n"
    for options in ((), ("--dry-run",)):
        refused = say(hub, "apply", {}, *options, rc=4, **STRANGER)
        assert "may read, but not change" in refused.err
    assert hub.wait_audit(lambda row: row["action"] == "access.refused" and row["method"] == "apply", "the refused try")
