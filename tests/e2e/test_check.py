"""party check: the onboarding doctor. One healthy CPO and one healthy eMSP; each fault shows in its own check, and nowhere else."""

import json
import os
import re
import socketserver
import subprocess
import threading
from dataclasses import dataclass, replace

import pytest

from tests.e2e.harness import BIN, DEADLINE, SLOW, eventually, forms, on_terminal
from tests.sim import Gate, Reply, habits, payloads

NOBODY = 65534
AUTHORIZE_MS = int(600 * SLOW)
HELD = Reply(hold=AUTHORIZE_MS / 1000 * 0.6, data={"allowed": "NOT_ALLOWED"})
REFUSAL = Reply(http=401, code=2002, message="unknown token")


@pytest.fixture(scope="module")
def hub_settings():
    return {"forward_timeout": f"{AUTHORIZE_MS}ms"}


@pytest.fixture(scope="module")
def healthy(hub):
    """A CPO and an eMSP with objects in their lists: more than one page of some, less of others."""
    pair = hub.pair()
    cpo, emsp = pair.cpo.party, pair.emsp.party
    old = "2025-03-01T10:00:00Z"
    pair.cpo.offers = {
        "locations": [payloads.location(cpo, f"L{n}", last_updated=old) for n in range(3)],
        "tariffs": [payloads.tariff(cpo, f"T{n}", last_updated=old) for n in range(5)],
        "sessions": [payloads.session(cpo, emsp, "S1", last_updated=old)],
        "cdrs": [payloads.cdr(cpo, emsp, f"C{n}") for n in range(2)],
    }
    pair.emsp.offers = {"tokens": [payloads.token(emsp, f"UID{n}") for n in range(3)]}
    # what their two credentials held is counted a little later
    hub.wait_rows("quality", where=lambda row: row["count"] == 2, what="the exchanges are counted", count=2)
    return pair


@pytest.fixture
def cpo(healthy):
    yield healthy.cpo
    well_again(healthy.cpo)


@pytest.fixture
def emsp(healthy):
    yield healthy.emsp
    well_again(healthy.emsp)


def well_again(platform):
    platform.habits = ()
    platform.unscript()


def examine(hub, platform):
    """The report of party check; the exit code says whether it failed."""
    result = hub.ctl("--json", "party", "check", platform.id)
    (report,) = result.json
    assert result.rc == (0 if report["ok"] else 6) and result.err == "", result
    assert report["ok"] == (report["failed"] == 0)
    for check in report["checks"]:
        assert (check["remedy"] is not None) == (check["result"] in ("warn", "fail")), check
    return report


def found(report, *results):
    return {check["check"]: check["result"] for check in report["checks"] if not results or check["result"] in results}


def one(report, name):
    return next(check for check in report["checks"] if check["check"] == name)


# ---------------------------------------------------------------- all is well

CALLED = ["registered", "token", "exchange", "address", "tls", "versions", "endpoints", "clock"]
KNOWN = ["rules", "queue", "quality", "refused"]


def three(*modules):
    return [f"{what}.{module}" for module in modules for what in ("pages", "dates", "objects")]


def test_a_healthy_cpo(hub, cpo):
    """All ok, in order; plain http is the one warning, here."""
    report = examine(hub, cpo)
    assert found(report, "warn", "fail", "skipped") == {"tls": "warn"}, report
    receivers = [f"receiver.{key}" for key in ("chargingprofiles", "commands", "credentials", "tokens")]
    lists = three("cdrs", "locations", "sessions", "tariffs")
    assert [check["check"] for check in report["checks"]] == CALLED + receivers + lists + ["authorize"] + KNOWN
    assert (report["id"], report["name"], report["hub"]) == (cpo.id, cpo.party.name, "ChargeIndia Hub")


def test_a_healthy_emsp(hub, emsp):
    report = examine(hub, emsp)
    assert found(report, "warn", "fail", "skipped") == {"tls": "warn"}, report
    names = [check["check"] for check in report["checks"]]
    assert set(three("tokens")) < set(names) and "receiver.sessions" in names and "receiver.cdrs" in names
    assert "POST" in one(report, "authorize")["detail"]


def test_how_it_asks(hub, cpo):
    """From the hub to the party, with one correlation id that the report tells; only questions."""
    report = examine(hub, cpo)
    asked = cpo.received(where=lambda r: r.headers["x-correlation-id"] == report["correlation_id"])
    assert len(asked) > 15 and len({r.headers["x-request-id"] for r in asked}) == len(asked)
    assert {r.method for r in asked} == {"GET", "PUT"}
    assert [r.path for r in asked if r.method == "PUT"][0].endswith("/authorize")
    functional = [r for r in asked if re.search(r"2\.2\.1/(?!credentials)\w+", r.path)]
    assert {r.routing for r in functional} == {("IN-CIH", cpo.id)}


def test_it_changes_nothing(hub, cpo, healthy):
    """But for one row in the audit."""

    def state():
        return [hub.ok(*words).out for words in (("receiver", "list"), ("rule", "list"), ("delivery", "list"), ("token", "list"), ("quality",))]

    before = state()
    cpo.habits = (habits.lists_what(party_id="ZZZ"), habits.running_ahead(500))
    report = examine(hub, cpo)
    assert state() == before
    row = hub.wait_audit(lambda r: r["correlation_id"] == report["correlation_id"], "the row of the check")
    assert (row["action"], row["party"], row["status"]) == ("party.check", cpo.id, "failed") and "uid:" in row["actor"]
    assert set(row["detail"]["fail"]) == set(found(report, "fail")) and row["detail"]["warn"] == ["tls"]
    assert not any(row["action"] != "party.check" for row in hub.audit(correlation_id=report["correlation_id"]))


# ---------------------------------------------------------------- one fault each


@dataclass
class Fault:
    """How a partner misbehaves, the checks that tell of it, and words of the first one's detail and remedy."""

    name: str
    habit: object
    tells: dict
    detail: str
    remedy: str

    def __str__(self):
        return self.name


def at(pattern, reply):
    """Answers so at paths that match."""
    return habits.only_at(pattern, lambda request, answer: reply)


def list_of(module, habit):
    return habits.only_at(rf"2\.2\.1/{module}$", habit)


def links(text):
    """Writes its Links so, where there is one."""

    def habit(request, answer):
        reply = answer(request)
        url = reply.headers.get("Link", "")[1:].partition(">")[0]
        return replace(reply, headers={**reply.headers, "Link": text.format(url=url)}) if url else reply

    return habit


def details(change):
    """Changes the endpoints of the version details."""

    def habit(request, answer):
        reply = answer(request)
        for endpoint in reply.data["endpoints"] if request.path == "/ocpi/2.2.1" else ():
            change(endpoint)
        return reply

    return habit


def upper(endpoint):
    endpoint["identifier"] = endpoint["identifier"].replace("credentials", "Credentials")


def elsewhere(endpoint):
    if endpoint["identifier"] == "commands":
        endpoint["url"] += "/v2"


def no_url(endpoint):
    if endpoint["identifier"] == "chargingprofiles":
        endpoint["url"] = "/chargingprofiles"


def other_host(endpoint):
    if endpoint["identifier"] == "credentials":
        endpoint["url"] = "http://other.example/credentials"


FAULTS = [
    Fault("limit", list_of("locations", habits.ignoring("limit")), {"pages.locations": "fail"}, "limit is ignored", "`limit`"),
    Fault("no Link", list_of("tariffs", habits.without("Link")), {"pages.tariffs": "fail"}, "no Link", 'rel="next"'),
    Fault("no Link nor total", list_of("tariffs", habits.without("Link", "X-Total-Count")), {"pages.tariffs": "fail"}, "no Link", 'rel="next"'),
    Fault("circles", list_of("tariffs", habits.walks_in_circles), {"pages.tariffs": "fail"}, "same objects again", "page behind"),
    Fault("foreign Link", list_of("tariffs", links('<http://other.example/t?offset=2>; rel="next"')), {"pages.tariffs": "fail"}, "no URL on", "same host"),
    Fault("Link among others", list_of("tariffs", links('<http://127.0.0.1/first>; rel="first", <{url}>; rel="next"')), {}, "", ""),
    Fault("small total", list_of("cdrs", lambda request, answer: replace(answer(request), headers={"X-Total-Count": "1", "X-Limit": "9"})),
          {"pages.cdrs": "warn"}, "less than what came", "X-Total-Count"),
    Fault("no X-Limit", list_of("cdrs", habits.without("X-Limit")), {"pages.cdrs": "warn"}, "X-Limit is missing", "X-Total-Count"),
    Fault("full page, no total", list_of("cdrs", habits.without("X-Total-Count")), {"pages.cdrs": "warn"}, "X-Total-Count is missing", "X-Limit"),
    Fault("date_from", list_of("sessions", habits.ignoring("date_from")), {"dates.sessions": "fail"}, "ignored", "last_updated is not before date_from"),
    Fault("no list", at(r"2\.2\.1/cdrs$", Reply(data={"id": "C1"})),
          {"pages.cdrs": "fail", "dates.cdrs": "skipped", "objects.cdrs": "skipped"}, "no list: HTTP 200, 1000", "hubctl receiver unset"),
    Fault("essential", list_of("tariffs", habits.lists_what(currency=None)), {"objects.tariffs": "fail"}, "T0: /currency", "OCPI 2.2.1, tariffs"),
    Fault("the last of many", list_of("tariffs", habits.lists_what("T4", currency=None)), {"objects.tariffs": "fail"}, "1 of 5 cannot be taken: T4", "table"),
    Fault("finding", list_of("locations", habits.lists_what(time_zone=None)), {"objects.locations": "warn"}, "L0: /time_zone", "OCPI 2.2.1, locations"),
    Fault("other's", list_of("locations", habits.lists_what(party_id="ZZZ")), {"objects.locations": "fail"}, "IN-ZZZ", "hubctl party add"),
    Fault("clock ahead", habits.running_ahead(45), {"clock": "warn"}, "ahead", "NTP"),
    Fault("clock behind", habits.running_ahead(-400), {"clock": "fail"}, "behind", "NTP"),
    Fault("HTML", habits.only_at("/tokens/.*(?<!authorize)$", habits.shows_a_page), {"receiver.tokens": "warn"}, "HTTP 404 without", "GET method"),
    Fault("no GET", at("/commands$", Reply(http=405, body=b"<html/>", headers={"Content-Type": "text/html"})), {}, "", ""),
    Fault("lost", habits.only_at("/commands$", habits.shows_a_page), {"receiver.commands": "warn"}, "the path may be wrong", "Response format"),
    Fault("HTML as 200", at("/commands$", Reply(body=b"<html/>", headers={"Content-Type": "text/html"})),
          {"receiver.commands": "fail"}, "an HTML page", "Response format"),
    Fault("401", at("/commands$", REFUSAL), {"receiver.commands": "fail"}, "HTTP 401", "--token-encoding raw"),
    Fault("server error", at("/credentials$", Reply(http=500, code=3000, message="no database")), {"receiver.credentials": "fail"}, "no database", "its log"),
    Fault("breaks off", at("/commands$", Reply(drop="close")), {"receiver.commands": "fail"}, "closed the connection", "DNS"),
    Fault("slow", at("/authorize$", HELD), {"authorize": "warn"}, "NOT_ALLOWED", f"within {AUTHORIZE_MS}"),
    Fault("too slow", at("/authorize$", Reply(hold=Gate(AUTHORIZE_MS / 1000 * 3))), {"authorize": "fail"}, "did not answer within", "a driver waits"),
    Fault("allows all", at("/authorize$", Reply(data={"allowed": "ALLOWED"})), {"authorize": "warn"}, "unknown token: ALLOWED", "NOT_ALLOWED"),
    Fault("no answer in it", at("/authorize$", Reply()), {"authorize": "fail"}, "no `allowed`", "AuthorizationInfo"),
    Fault("upper case", details(upper), {"endpoints": "warn"}, '"Credentials"', "lower case"),
    Fault("no URL", details(no_url), {"endpoints": "warn"}, '"chargingprofiles" is listed with no URL', "a whole URL"),
    Fault("another URL", details(elsewhere), {"endpoints": "warn"}, "/commands/v2", "hubctl receiver discover"),
    Fault("another host", details(other_host), {"endpoints": "warn"}, "other.example", "--allow-host"),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_fault(hub, cpo, fault):
    """The checks it breaks tell of it, with the remedy; all others are as they are without it."""
    cpo.habits = (fault.habit,)
    report = examine(hub, cpo)
    assert found(report, "warn", "fail", "skipped") == {"tls": "warn", **fault.tells}, report
    if fault.tells:
        check = one(report, next(iter(fault.tells)))
        assert fault.detail in check["detail"] and fault.remedy in check["remedy"], check


def unreachable(report):
    """Nothing of the partner's can be asked: that is skipped, with the reason; what the hub knows is told."""
    assert set(found(report, "skipped")) == {"versions", "endpoints", "clock", "receiver", "lists", "authorize"}, report
    assert "does not answer" in one(report, "lists")["detail"]
    assert all(found(report)[name] == "ok" for name in KNOWN)


VERSIONS_AT = r"^/ocpi/versions$"
WHOLE = [
    Fault("404", at(VERSIONS_AT, Reply(http=404, code=2003)), {"versions": "fail"}, "HTTP 404", "list version 2.2.1"),
    Fault("401", at(VERSIONS_AT, REFUSAL), {"versions": "fail"}, "HTTP 401", "hubctl token issue"),
    Fault("other version", at(VERSIONS_AT, Reply(data=[{"version": "2.2", "url": "http://127.0.0.1/x"}])), {"versions": "fail"},
          "only 2.2", "list version 2.2.1"),
    Fault("rubbish", at(VERSIONS_AT, Reply(body=b"\xff{")), {"versions": "fail", "clock": "warn"}, "HTTP 200", "envelope"),
    Fault("a number", at(VERSIONS_AT, Reply(data=7)), {"versions": "fail"}, "HTTP 200", "list version 2.2.1"),
]  # fmt: skip


@pytest.mark.parametrize("fault", WHOLE, ids=str)
def test_versions_fail(hub, emsp, fault):
    """Whatever its versions are: what is kept of its interfaces is asked all the same."""
    emsp.habits = (fault.habit,)
    report = examine(hub, emsp)
    assert found(report, "warn", "fail", "skipped") == {"tls": "warn", **fault.tells}, report
    assert one(report, "receiver.sessions")["result"] == one(report, "pages.tokens")["result"] == one(report, "authorize")["result"] == "ok"
    assert "not compared" in one(report, "endpoints")["detail"]
    check = one(report, "versions")
    assert fault.detail in check["detail"] and fault.remedy in check["remedy"] and "rotate" not in check["remedy"], check


def test_refuses_the_token_everywhere(hub, emsp):
    emsp.habits = (at(".", REFUSAL),)
    report = examine(hub, emsp)
    assert {"versions", "receiver.sessions", "pages.tokens", "authorize"} <= set(found(report, "fail")), report
    assert "skipped" not in {one(report, name)["result"] for name in CALLED}


def test_no_details(hub, emsp):
    """The list is good, the details are not: the receivers that are known are asked nevertheless."""
    emsp.habits = (at(r"/2\.2\.1$", Reply(http=404, code=2003)),)
    report = examine(hub, emsp)
    assert found(report, "warn", "fail", "skipped") == {"tls": "warn", "endpoints": "fail"}
    assert "HTTP 404" in one(report, "endpoints")["detail"] and "Version details" in one(report, "endpoints")["remedy"]


class NoTls(socketserver.BaseRequestHandler):
    """Answers whatever comes in plain HTTP."""

    def handle(self):
        self.request.recv(1)
        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_versions_elsewhere(hub, emsp):
    """What is probed is what is checked: TLS that is none, an address that is not allowed."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), NoTls) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for url, tells, words in (
            (f"https://127.0.0.1:{server.server_address[1]}/ocpi/versions", {"tls": "fail"}, "serve HTTPS"),
            ("http://10.11.12.13/ocpi/versions", {"address": "fail"}, "allow_networks"),
        ):
            hub.ok("receiver", "set", emsp.id, "versions", url)
            report = examine(hub, emsp)
            hub.ok("receiver", "unset", emsp.id, "versions")
            assert found(report, "fail") == tells, report
            assert words in one(report, next(iter(tells)))["remedy"]
            assert set(found(report, "skipped")) == {"versions", "clock"}
            assert one(report, "receiver.sessions")["result"] == one(report, "authorize")["result"] == "ok"
        server.shutdown()


def test_down(hub, emsp):
    emsp.down()
    report = examine(hub, emsp)
    emsp.up()
    assert found(report, "fail") == {"address": "fail"} and "connections" in one(report, "address")["detail"]
    unreachable(report)


def test_a_receiver_that_was_set(hub, emsp):
    """It is not the one that the partner lists, and what is there is no interface."""
    hub.ok("receiver", "set", emsp.id, "cdrs", f"{emsp.url}/old/cdrs")
    emsp.habits = (habits.only_at("/old/", habits.shows_a_page),)
    report = examine(hub, emsp)
    hub.ok("receiver", "unset", emsp.id, "cdrs")
    hub.ok("receiver", "discover", emsp.id)
    assert found(report, "warn", "fail", "skipped") == {"tls": "warn", "endpoints": "warn", "receiver.cdrs": "warn"}
    assert "/old/cdrs" in one(report, "endpoints")["detail"] and f"receiver unset {emsp.id} cdrs" in one(report, "endpoints")["remedy"]


def test_a_plain_key_for_a_sender(hub):
    """A CPO's `tariffs` can only be its list: it is pulled, not asked for one object."""
    cpo = hub.onboard("CPO", hide={"tariffs"})
    hub.ok("receiver", "set", cpo.id, "tariffs", f"{cpo.url}/ocpi/2.2.1/tariffs")
    report = examine(hub, cpo)
    assert found(report)["pages.tariffs"] == "ok" and "receiver.tariffs" not in found(report)


def test_what_is_missing(hub):
    """A CPO without a tokens interface, without lists, without a rule."""
    cpo = hub.onboard("CPO", hide={"tokens", "locations", "tariffs", "sessions", "cdrs"})
    report = examine(hub, cpo)
    assert found(report, "warn", "fail", "skipped") == {
        "tls": "warn", "endpoints": "fail", "lists": "skipped", "authorize": "skipped", "rules": "warn"}  # fmt: skip
    assert "tokens is not listed" in one(report, "endpoints")["detail"]
    assert f"hubctl receiver set {cpo.id} tokens URL" in one(report, "endpoints")["remedy"]
    assert "hubctl rule enable" in one(report, "rules")["remedy"]


def test_what_waits(hub):
    """Findings, a queue with something held, a counterpart that is not there, a suspension."""
    _, cpo, emsp = hub.pair(emsp_options={"hide": {"cdrs"}})
    cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, "H1"))
    cpo.put("locations", payloads.location(cpo.party, "odd", time_zone=None))
    hub.wait_rows("quality", cpo.id, where=lambda row: row["field"] == "time_zone", what="the finding is counted")
    report = examine(hub, cpo)
    assert found(report, "warn", "fail") == {"tls": "warn", "quality": "warn"} and "time_zone" in one(report, "quality")["detail"]
    hub.ok("party", "suspend", cpo.id, "--reason", "test")
    report = examine(hub, emsp)
    assert found(report, "warn", "fail") == {"tls": "warn", "endpoints": "fail", "queue": "warn", "rules": "warn"}
    assert "1 held" in one(report, "queue")["detail"] and "hubctl delivery list" in one(report, "queue")["remedy"]
    report = examine(hub, cpo)
    assert one(report, "registered")["result"] == "warn" and f"hubctl party resume {cpo.id}" in one(report, "registered")["remedy"]
    assert one(report, "versions")["result"] == "ok"


def test_a_circuit_that_is_open(hub):
    _, cpo, emsp = hub.pair()
    emsp.script("PUT", "/sessions/", Reply(http=503), forever=True)
    cpo.put("sessions", payloads.session(cpo.party, emsp.party, "S1"))
    hub.wait_rows("status", where=lambda row: any(q["receiver"] == emsp.id and q["circuit"] == "open" for q in row["queues"]), what="the circuit opens")
    queue = one(examine(hub, emsp), "queue")
    assert queue["result"] == "fail" and "1 pending" in queue["detail"] and "delivery list" in queue["remedy"], queue


# ---------------------------------------------------------------- before the exchange


def test_a_fresh_party(hub):
    """Nothing yet, an initial token, an expired one: the first thing that is missing is told, what needs it is skipped."""
    platform = hub.add(hub.platform("CPO"))
    live = {"address", "tls", "versions", "endpoints", "clock", "receiver", "lists", "authorize"}
    report = examine(hub, platform)
    assert found(report, "fail") == {"token": "fail"} and f"hubctl token issue {platform.id}" in one(report, "token")["remedy"]
    assert set(found(report, "skipped")) == {"exchange"} | live
    token = hub.issue(platform.id)
    report = examine(hub, platform)
    assert found(report, "fail") == {"exchange": "fail"} and set(found(report, "skipped")) == live
    assert f"{hub.url}/ocpi/2.2.1/credentials" in one(report, "exchange")["remedy"] and token not in json.dumps(report)
    hub.ok("token", "issue", platform.id, "--ttl", "1ms")
    report = eventually(lambda: one(examine(hub, platform), "token")["result"] == "fail" and examine(hub, platform), "the token ends")
    assert "expired" in one(report, "token")["detail"]
    assert platform.received() == []


def test_rotation(hub):
    """A hub token that the partner does not use yet, while the old one is valid."""
    platform = hub.onboard("EMSP")
    old = platform.hub_token
    platform.put_credentials("another-token-of-ours-1")
    platform.hub_token = old
    check = one(examine(hub, platform), "token")
    assert check["result"] == "warn" and "never used" in check["detail"] and "token list" in check["remedy"], check


# ---------------------------------------------------------------- in the middle


class Run:
    """A party check that waits at the partner's commands interface until the gate is opened."""

    def __init__(self, hub, platform):
        self.platform, self.gate = platform, Gate()
        count = len(platform.received("GET", "/commands$"))
        self.script = platform.script("GET", "/commands$", Reply(hold=self.gate, http=404, code=2003), forever=True)
        command = [str(BIN / "hubctl"), "-s", str(hub.socket), "--json", "party", "check", platform.id]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        platform.wait("GET", "/commands$", count=count + 1)

    def end(self):
        """Opens the gate; exit code, the report (None without) and what stderr says."""
        self.gate.open()
        self.platform.unscript(self.script)
        out, err = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, json.loads(out) if out else None, err


@pytest.fixture(scope="module")
def other(hub):
    """A CPO that is disturbed."""
    return hub.onboard("CPO")


def test_hang_up(hub, other):
    """Nobody waits any more: the call is given up, no further ones are made. So many at once and no more."""
    runs = [Run(hub, other) for _ in range(4)]
    refused = hub.ctl("party", "check", other.id)
    assert refused.rc == 1 and "4 checks" in refused.err and "hint: " in refused.err, refused
    for run in runs:
        run.process.kill()
        run.process.wait()
    hub.wait_rows("audit", "tail", where=lambda r: r["action"] == "party.check" and r["status"] == "given up", what="all are given up", count=4)
    assert other.received("PUT", "/authorize$") == []
    for run in runs:
        run.gate.open()
    other.unscript()
    assert "authorize" in found(examine(hub, other))


def test_suspended_meanwhile(hub, other):
    run = Run(hub, other)
    hub.ok("party", "suspend", other.id, "--reason", "test")
    rc, report, _ = run.end()
    hub.ok("party", "resume", other.id)
    assert rc == 0 and found(report)["authorize"] == "ok"


def test_exchange_ended_meanwhile(hub):
    """The partner's token is gone: what is left cannot be asked, and is told."""
    platform = hub.onboard("CPO")
    run = Run(hub, platform)
    hub.ok("token", "issue", platform.id, "--force")
    rc, report, _ = run.end()
    assert rc == 6 and "was ended while it was checked" in one(report, "receiver.credentials")["detail"], report
    assert found(report)["receiver.commands"] == "ok" and "pages.tariffs" not in found(report), "what was discovered went with it"


def test_removed_meanwhile(hub):
    platform = hub.onboard("CPO")
    run = Run(hub, platform)
    hub.ok("party", "remove", platform.id, f"--confirm={platform.id}")
    rc, report, err = run.end()
    assert rc == 1 and report is None and err.startswith(f"hubctl: party {platform.id} was removed"), err


def test_hubd_stops_meanwhile(new_hub):
    """It ends at once and cleanly, without the answer that it waits for."""
    hub = new_hub()
    run = Run(hub, hub.onboard("CPO"))
    hub.stop()
    rc, report, err = run.end()
    assert rc == 3 and report is None and "hung up" in err and "unknown" not in err, err


def test_it_is_no_sign_of_life(new_hub):
    """A platform that is OFFLINE stays so: that is for the probes to decide."""
    hub = new_hub(probe_interval="1h", offline_after="100ms")
    platform = hub.onboard("EMSP")
    hub.wait_status(platform.id, "OFFLINE")
    report = examine(hub, platform)
    assert one(report, "registered")["result"] == "warn" and one(report, "versions")["result"] == "ok"
    assert hub.status_of(platform.id) == "OFFLINE"


# ---------------------------------------------------------------- how it is told


def test_for_people(hub, cpo):
    """A line per check with its result as a word, what helps below; wrapped to the terminal."""
    cpo.habits = (list_of("locations", habits.ignoring("limit")),)
    for columns in (120, 40):
        rc, shown = on_terminal(hub, "party", "check", cpo.id, columns=columns, environment={"NO_COLOR": "1"})
        lines = [line.rpartition("\x1b[K")[2] for line in shown.splitlines()]
        assert rc == 6 and max(map(len, lines)) <= columns, shown
        assert any(re.match(r"fail {5}pages\.locations", line) for line in lines), shown
        assert any(re.match(r" +> ask the partner:", line) for line in lines), shown
        assert re.search(rf"\n\n{cpo.id}: 1 failed, 1 warning, \d+ ok\n$", shown), shown
    assert "\x1b[31mfail\x1b[0m" in on_terminal(hub, "party", "check", cpo.id)[1]


def test_times_are_local(hub, cpo):
    """A sentence's times are local on a terminal, as all others there; in a pipe and in a mail they are UTC."""
    _, shown = on_terminal(hub, "party", "check", cpo.id, columns=200, environment={"NO_COLOR": "1", "TZ": "Asia/Kolkata"})
    assert re.search(r"token +hub token issued at \S+ \S+\+05:30, in use since \S+ \S+\+05:30\n", shown), shown
    _, shown = on_terminal(hub, "party", "check", cpo.id, "--markdown", environment={"TZ": "Asia/Kolkata"})
    assert "+05:30" not in shown and re.search(r"hub token issued at \S+Z, in use since", shown), shown


def test_in_a_pipe(hub, cpo):
    result = hub.ok("party", "check", cpo.id)
    assert ["ok", "true"] in result.rows and ["checks", "versions", "ok"] in [row[:3] for row in result.rows]
    assert hub.ok("party", "check", cpo.id, "--field", "failed").out == "0\n"
    assert hub.ok("party", "check", cpo.id, "-q").out == f"{cpo.id}\n"


@pytest.mark.parametrize("form", [[], ["--json"], ["--markdown"]], ids=str)
def test_full_disk(hub, cpo, form):
    """A report that could not be written is no report, whatever it would have said."""
    cpo.habits = (list_of("locations", habits.ignoring("limit")),)
    with open("/dev/full", "w") as full:
        result = hub.ctl("party", "check", cpo.id, *form, stdout=full)
    assert result.rc == 1 and "cannot write to stdout" in result.err, result


def test_markdown(hub, cpo, emsp):
    """For the partner's engineers: what was found, what they must change; nothing that only the account team can use."""
    cpo.habits = (list_of("locations", habits.ignoring("limit")), at("/credentials$", Reply(http=500, code=3000, message="a|b `c` <script>")))
    result = hub.ctl("party", "check", cpo.id, "--markdown")
    assert result.rc == 6 and result.err == ""
    head, _, changes = result.out.partition("## What to change on your side")
    assert head.startswith(f"# OCPI check of {cpo.id} ({cpo.party.name})\n") and "X-Correlation-ID: " in head
    rows = [line for line in head.splitlines() if line.startswith("|")]
    assert "| **fail** | `pages.locations` | limit is ignored: more objects came than were asked for |" in rows
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 4 for row in rows), rows
    assert r"a\|b \`c\` \<script\>" in head
    assert [line[:2] for line in changes.splitlines() if line] == ["1.", "2.", "3."] and "`pages.locations`: please send no more" in changes
    assert "hubctl" not in result.out and emsp.id not in result.out and str(hub.directory) not in result.out
    for form in (["--json"], ["-q"], ["--field", "ok"]):
        both = hub.ctl("party", "check", cpo.id, "--markdown", *form)
        assert both.rc == 2 and "--markdown" in both.err, both


def test_no_token_in_it(hub, emsp):
    """Although the partner repeats what it was sent."""
    emsp.habits = (habits.only_at("/sessions/|/tokens", habits.tells_tokens), habits.only_at("/cdrs/", lambda request, answer: Reply(
        http=500, code=3000, message=f"{emsp.token} \x1b[31m\x9b31m")))  # fmt: skip
    shown = hub.ctl("party", "check", emsp.id, "--json").out + hub.ctl("party", "check", emsp.id, "--markdown").out
    shown += on_terminal(hub, "party", "check", emsp.id, environment={"NO_COLOR": "1"})[1].replace("\x1b[K", "")
    assert "cannot read Token ..." in shown and not re.search("[\x1b\x9b]", shown)
    for secret in (emsp.token, emsp.hub_token):
        assert not any(form.decode() in shown + json.dumps(hub.audit(action="party.check")) for form in forms(secret))


def test_unknown_party(hub):
    refused = hub.ctl("party", "check", "IN-QQQ")
    assert refused.rc == 1 and "IN-QQQ" in refused.err and "hint: " in refused.err and refused.out == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_viewer(new_hub):
    """It makes the hub call others: for admins."""
    hub = new_hub(viewer_group="nogroup")
    if hub.ctl("status", user=NOBODY, group=NOBODY, extra_groups=[]).rc != 0:
        pytest.skip(f"another user cannot run {BIN}")
    platform = hub.onboard("CPO")
    asked = len(platform.received())
    assert hub.ctl("party", "check", platform.id, user=NOBODY, group=NOBODY, extra_groups=[]).rc == 4
    assert len(platform.received()) == asked
