"""rule explain and --dry-run: what a rule lets pass, before somebody finds out by trying."""

import pytest

from tests.e2e.harness import eventually, on_terminal
from tests.sim import Reply, payloads
from tests.sim.wire import timestamp

PULLED = ("push is off: it is pulled", None)


def explained(hub, emsp, cpo, *options):
    """(sender's role, module, message): row."""
    rows = hub.rows("rule", "explain", emsp.id, cpo.id, *options)
    return {("eMSP" if row["from"] == emsp.id else "CPO", row["module"], row["message"]): row for row in rows}


def said(rows, *key):
    row = rows[key]
    assert row["passes"] == (row["why"] is None), row
    return row["why"], row["hint"]


# ---------------------------------------------------------------- what really happens


def happens(made, session):
    """The same messages, sent: whether each got there. The session has not begun before now."""
    hub, cpo, emsp = made
    pushed = cpo.put("sessions", payloads.session(cpo.party, emsp.party, session, start_date_time=timestamp(60)))

    def delivered():
        if any(f"/{session}" in request.path for request in emsp.received("PUT", "/sessions/")):
            return "yes"
        held = any(row["object"] == session for row in hub.held(emsp.id))
        return "no" if held or pushed.status == 401 else None

    return {
        ("eMSP", "locations", "GET"): bool(emsp.get("locations").data),
        ("eMSP", "tokens", "authorize"): (emsp.authorize("T1", to=cpo.id).data or {}).get("allowed") == "ALLOWED",
        ("eMSP", "commands", "START_SESSION"): (emsp.command("START_SESSION", payloads.start_session(emsp.party), to=cpo.id).data or {}).get("result")
        == "ACCEPTED",
        ("CPO", "tokens", "authorize"): cpo.call("POST", "tokens/T1/authorize", to=emsp.id).code == 1000,
        ("CPO", "sessions", "PUT"): eventually(delivered, f"{session} is delivered or held") == "yes",
    }


STATES = [
    ("without a rule", lambda hub, cpo, emsp: None),
    ("with it", lambda hub, cpo, emsp: hub.rule(emsp, cpo)),
    ("draining", lambda hub, cpo, emsp: (hub.rule(emsp, cpo), hub.rule(emsp, cpo, "disable", "--drain"))),
    ("without URLs", lambda hub, cpo, emsp: (hub.rule(emsp, cpo), hub.ok("receiver", "unset", cpo.id, "tokens"), hub.ok("receiver", "unset", emsp.id, "sessions"))),
    ("the CPO suspended", lambda hub, cpo, emsp: (hub.rule(emsp, cpo), hub.ok("party", "suspend", cpo.id, "--reason", "x"))),
    ("the eMSP suspended", lambda hub, cpo, emsp: (hub.rule(emsp, cpo), hub.ok("party", "suspend", emsp.id, "--reason", "x"))),
    ("no token", lambda hub, cpo, emsp: (hub.rule(emsp, cpo), hub.ok("token", "revoke", emsp.id, "--all"))),
]  # fmt: skip


@pytest.mark.parametrize("prepare", [state[1] for state in STATES], ids=[state[0] for state in STATES])
def test_it_is_as_it_says(hub, prepare):
    """Each kind of message passes exactly when rule explain says so."""
    made = hub.pair(rule=False)
    made.cpo.put("locations", payloads.location(made.cpo.party, "LOC001"))
    prepare(*made)
    rows = explained(hub, made.emsp, made.cpo)
    assert len(rows) == 13
    found = happens(made, "SES-1")
    assert {key: rows[key]["passes"] for key in found} == found
    made.cpo.close(), made.emsp.close()


# ---------------------------------------------------------------- what it says


def test_reasons(hub):
    """The first thing in the way, and the command that helps."""
    hub, cpo, emsp = made = hub.pair(rule=False)
    rule = ("no active rule", f"hubctl rule enable {emsp.id} {cpo.id}")
    rows = explained(hub, emsp, cpo)
    assert said(rows, "CPO", "locations", "PUT") == PULLED
    assert {said(rows, *key) for key in rows} == {rule, PULLED}
    hub.rule(emsp, cpo)
    rows = explained(hub, emsp, cpo)
    assert {said(rows, *key) for key in rows} == {(None, None), PULLED}
    hub.ok("receiver", "unset", cpo.id, "tokens")
    hub.ok("receiver", "unset", emsp.id, "tokens:sender")
    hub.ok("receiver", "unset", emsp.id, "cdrs")
    rows = explained(hub, emsp, cpo)
    assert said(rows, "eMSP", "tokens", "authorize") == ("no tokens receiver URL", f"hubctl receiver set {cpo.id} tokens URL")
    assert said(rows, "CPO", "tokens", "authorize") == ("no tokens sender URL", f"hubctl receiver set {emsp.id} tokens:sender URL")
    assert said(rows, "CPO", "cdrs", "POST") == ("no cdrs receiver URL", f"hubctl receiver set {emsp.id} cdrs URL")
    assert said(rows, "eMSP", "commands", "START_SESSION") == (None, None)
    hub.ok("party", "set", emsp.id, "--push", "locations")
    rows = explained(hub, emsp, cpo)
    assert said(rows, "CPO", "locations", "PUT") == (None, None) and said(rows, "CPO", "tariffs", "PUT") == PULLED
    hub.rule(emsp, cpo, "disable", "--drain")
    rows = explained(hub, emsp, cpo)
    assert said(rows, "eMSP", "commands", "STOP_SESSION") == (None, None)
    assert said(rows, "eMSP", "commands", "START_SESSION") == ("the rule is draining", rule[1])
    assert said(rows, "CPO", "sessions", "PUT") == ("draining: only of begun sessions", rule[1])
    assert said(rows, "CPO", "locations", "PUT") == ("the rule is draining", rule[1])
    made.cpo.close(), made.emsp.close()


def test_a_receiver_that_fails(hub, pair):
    """The pause of a queue is in the way of its module only."""
    pair.emsp.script("POST", "/cdrs$", Reply(http=503, code=3000, headers={"Retry-After": "3600"}))
    pair.cpo.call("POST", "cdrs", payloads.cdr(pair.cpo.party, pair.emsp.party))
    wanted = ("paused: the last try failed", f"hubctl delivery list --party {pair.emsp.id}")
    eventually(lambda: said(explained(hub, pair.emsp, pair.cpo), "CPO", "cdrs", "POST") == wanted, "the queue is paused")
    assert said(explained(hub, pair.emsp, pair.cpo), "CPO", "sessions", "PUT") == (None, None)


def test_parties_that_are_not_there_yet(hub):
    """PLANNED on either side."""
    emsp = hub.onboard("EMSP")
    planned = hub.add(hub.platform("CPO"))
    hub.rule(emsp, planned)
    rows = explained(hub, emsp, planned)
    wanted = (f"{planned.id} is PLANNED", f"hubctl token issue {planned.id}")
    assert said(rows, "CPO", "sessions", "PUT") == wanted
    assert said(rows, "eMSP", "locations", "GET") == (None, None), "what is stored of it may be pulled"
    assert said(rows, "eMSP", "tokens", "authorize")[0] == "no tokens receiver URL"
    hub.ok("receiver", "set", planned.id, "tokens", planned.url + "/tokens")
    assert said(explained(hub, emsp, planned), "eMSP", "tokens", "authorize") == wanted


def test_nothing_discovered(hub, shared):
    """Where no receiver of the partner's own list is known, one command may bring all that is missing."""
    cpo = hub.onboard("CPO")
    hub.rule(shared.emsp, cpo)
    for row in hub.rows("receiver", "list", cpo.id):
        hub.ok("receiver", "unset", cpo.id, row["module"])
    hub.ok("receiver", "set", cpo.id, "tokens", cpo.url + "/ocpi/2.2.1/tokens")
    rows = explained(hub, shared.emsp, cpo)
    discover = f"hubctl receiver discover {cpo.id}"
    assert said(rows, "eMSP", "commands", "START_SESSION") == ("no commands receiver URL", discover)
    hub.ok(*discover.split()[1:])
    assert said(explained(hub, shared.emsp, cpo), "eMSP", "commands", "START_SESSION") == (None, None)


def test_forms(hub, shared):
    """A module alone, TSV in a pipe, hints below the table; exit 0 whatever passes; roles must fit."""
    words = ("rule", "explain", shared.emsp.id, shared.cpo.id)
    assert {row["module"] for row in hub.rows(*words, "--module", "sessions")} == {"sessions"}
    assert [shared.cpo.id, shared.emsp.id, "cdrs", "POST", "true", "", ""] in hub.ok(*words).rows
    other = hub.onboard("CPO")
    rc, shown = on_terminal(hub, "rule", "explain", shared.emsp.id, other.id, columns=80, environment={"NO_COLOR": "1"})
    lines = shown.splitlines()
    assert rc == 0 and lines[0].split() == ["FROM", "TO", "MODULE", "MESSAGE", "PASSES", "WHY", "NOT"]
    assert max(map(len, lines)) <= 80 and lines[-1] == f"hint: hubctl rule enable {shared.emsp.id} {other.id}" and sum("hint:" in line for line in lines) == 1
    assert hub.ctl("rule", "explain", shared.cpo.id, shared.emsp.id).rc == 1
    assert hub.ctl("rule", "explain", shared.emsp.id, "IN-QQQ").rc == 1
    assert hub.ctl("rule", "explain", *words[2:], "--module", "sesions").rc == 2


# ---------------------------------------------------------------- what a change would do


def state_of(hub, emsp, cpo):
    return next(row[2] for row in hub.ok("rule", "matrix").rows if row[:2] == [emsp.id, cpo.id])


def test_dry_run(hub):
    """How much the eMSP would gain or lose; nothing is changed, nothing audited. The change itself says the same."""
    hub, cpo, emsp = made = hub.pair(rule=False)
    name = f"rule {emsp.id} {cpo.id}"
    assert hub.rule(emsp, cpo, "enable", "--dry-run").out == f"{name} would be enabled: {cpo.id} has no locations and no tariffs here\n"
    for number in range(3):
        cpo.put("locations", payloads.location(cpo.party, f"LOC{number}"))
    cpo.put("tariffs", payloads.tariff(cpo.party))
    gains, loses = (f"{emsp.id} {word} 3 locations and 1 tariff" for word in ("gains", "loses"))
    assert hub.rule(emsp, cpo, "enable", "--dry-run").out == f"{name} would be enabled: {gains}\n"
    row = hub.one("rule", "enable", emsp.id, cpo.id, "--dry-run")
    assert (row["change"], row["locations"], row["tariffs"], row["held"], row["dry_run"]) == ("would be enabled", 3, 1, None, True)
    assert hub.rule(emsp, cpo, "disable", "--dry-run").out == f"{name} unchanged\n"
    assert state_of(hub, emsp, cpo) == "off" and emsp.get("locations").data == []
    assert hub.rule(emsp, cpo).out == f"{name} enabled: {gains}\n"
    assert len(emsp.get("locations").data) == 3
    assert hub.rule(emsp, cpo).out == f"{name} unchanged\n"
    assert hub.rule(emsp, cpo, "disable", "--dry-run").out == f"{name} would be disabled: {loses}\n"
    assert hub.rule(emsp, cpo, "disable", "--drain", "--dry-run").out == f"{name} would be draining: {loses}\n"
    assert state_of(hub, emsp, cpo) == "on"
    assert hub.rule(emsp, cpo, "disable", "--drain").out == f"{name} draining: {loses}\n"
    assert hub.rule(emsp, cpo, "disable", "--dry-run").out == f"{name} would be disabled\n", "it saw nothing any more"
    assert hub.rule(emsp, cpo, "disable", "-q").out == f"{emsp.id} {cpo.id}\n"
    actions = [row["action"] for row in hub.audit() if row["from"] == emsp.id and row["action"].startswith("rule.")]
    assert actions == ["rule.enable", "rule.disable", "rule.disable"]
    made.cpo.close(), made.emsp.close()


def test_queued_deliveries_would_be_held(hub, pair):
    """A receiver that takes nothing: what waits for it of that CPO is counted, and no other's."""
    other = hub.onboard("CPO")
    hub.rule(pair.emsp, other)
    pair.emsp.script("POST", "/cdrs$", Reply(http=503, code=3000, headers={"Retry-After": "3600"}), forever=True)
    for cpo, count in ((pair.cpo, 2), (other, 1)):
        for number in range(count):
            assert cpo.call("POST", "cdrs", payloads.cdr(cpo.party, pair.emsp.party, f"CDR-{number}")).outcome == (201, 1000)
    name = f"rule {pair.emsp.id} {pair.cpo.id}"
    assert hub.rule(pair.emsp, pair.cpo, "disable", "--dry-run").out.startswith(f"{name} would be disabled: ")
    assert hub.rule(pair.emsp, pair.cpo, "disable", "--dry-run").out.endswith("; 2 queued deliveries would be held\n")
    assert not hub.held(pair.emsp.id)
    row = hub.one("rule", "disable", pair.emsp.id, pair.cpo.id)
    assert (row["held"], row["dry_run"], len(hub.held(pair.emsp.id))) == (2, False, 2)
    other.close()


def test_parties_of_one_platform(hub):
    """What an eMSP sees of its own platform's CPO does not hang on the rule."""
    both = hub.onboard("CPO", "EMSP")
    cpo, emsp = both.parties
    both.put("locations", payloads.location(cpo))
    assert hub.ok("rule", "enable", emsp.id, cpo.id, "--dry-run").out == f"rule {emsp.id} {cpo.id} would be enabled\n"
    rows = hub.rows("rule", "explain", emsp.id, cpo.id)
    assert {row["message"] for row in rows if row["module"] == "locations" and row["passes"]} == {"GET"}
    assert both.get("locations", sender=emsp.id).data


@pytest.mark.parametrize("verb", ["enable", "disable", "explain"])
def test_the_cpo_first(hub, verb):
    """Who writes the pair the wrong way round is offered the right one; where that would not do either, the list."""
    cpo, emsp = hub.new_party("CPO").id, hub.new_party("EMSP").id
    hub.ok("party", "add", cpo, "--role", "CPO")
    hub.ok("party", "add", emsp, "--role", "EMSP")
    refused = hub.ctl("rule", verb, cpo, emsp)
    assert refused.rc == 1 and f"hubctl rule {verb} {emsp} {cpo}" in refused.err, refused
    refused = hub.ctl("rule", verb, cpo, "IN-QQQ")
    assert refused.rc == 1 and "hint: hubctl party list" in refused.err, refused
