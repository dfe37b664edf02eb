"""Ids compare in any case; what is listed is spelled as its owner spelled it: parties as registered, objects as pushed."""

import json

from tests.e2e.harness import eventually
from tests.sim import Reply, payloads
from tests.sim.platform import Party


def test_every_listing(new_hub):
    hub = new_hub(retry_initial="1h", retry_max="1h")
    _, cpo, emsp = hub.pair()
    hub.ok("party", "add", "in-low", "--role", "EMSP")
    hub.ok("rule", "enable", "IN-LOW", cpo.id)
    emsp.down()
    assert cpo.put("sessions", payloads.session(cpo.party, emsp.party, "SesAbc")).outcome[1] == 1000
    answer = cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, "CdrAbc"))
    assert answer.headers["Location"].endswith("/CdrAbc")
    assert cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, "CdrLow", cdr_token={**payloads.cdr_token(emsp.party), "country_code": "IN", "party_id": "Low"})).outcome[1] == 1000
    assert cpo.put("locations", payloads.location(cpo.party, "LocAbc")).outcome[1] == 1000
    assert cpo.put("tariffs", payloads.tariff(cpo.party, "TarAbc")).outcome[1] == 1000
    assert cpo.call("POST", "cdrs", {"id": "CdrBad"}).code == 2001
    eventually(lambda: hub.audit(object="CdrBad"), "the refused one has its row")
    seen = {}
    for words in [
        "party list", "party show IN-LOW", "rule list", "rule matrix", "object list session", "object list cdr", "object list location", "object list tariff",
        "delivery list", "delivery show 1", "delivery receipts --since 1h", "audit tail --since 1h", "quality", "trace sesabc", "trace CDRBAD",
    ]:  # fmt: skip
        shown = seen[words] = hub.ok("--json", *words.split()).out
        assert not [word for word in ("SESABC", "CDRABC", "CDRLOW", "LOCABC", "TARABC", "CDRBAD", "IN-LOW") if word in shown], (words, shown)
    for words, spelled in [("object list session", "SesAbc"), ("object list location", "LocAbc"), ("object list tariff", "TarAbc"), ("delivery list", "CdrAbc"),
                           ("delivery receipts --since 1h", "CdrLow"), ("trace sesabc", "SesAbc"), ("trace CDRBAD", "CdrBad"), ("rule matrix", "in-low")]:  # fmt: skip
        assert spelled in seen[words], (words, seen[words])
    assert [row["to"] for row in hub.rows("delivery", "list", "--party", "In-LoW")] == ["in-low"]
    assert hub.rows("audit", "tail", "--since", "1h", "--party", "in-LOW")[0]["party"] == "in-low"


IDS = ["LocAbc", "EvsAbc", "TarAbc", "SesAbc", "CdrAbc", "CdrRef", "ResAbc", "SesNew", "in-aBc", "in-xYz", "in-pLn"]


def is_clean(where, *texts):
    """Nothing in these texts is an id in another spelling than its owner's."""
    folded = [ident.upper() for ident in IDS] + ["IN/ABC", "IN/XYZ"]
    for text in map(str, texts):
        found = [ident for ident in folded if ident in text]
        assert not found, (where, found, text)


def says(platform, answer):
    """A refusal names everybody as they are registered."""
    assert answer.code != 1000
    is_clean(platform.id, answer)
    return answer


def all_commands(hub, delivery, command):
    return [
        "party list", "party show IN-ABC", "party check in-abc", "party check IN-XYZ", "rule list", "rule matrix", "rule explain in-xyz in-abc", "receiver list IN-XYZ",
        "limit list", "token list IN-ABC", "object list location", "object list tariff", "object list session", "object list cdr", "object show session IN-ABC SESABC",
        "delivery list --state all", f"delivery show {delivery}", "delivery receipts --since 1h", "delivery reconcile --month 2020-01", "command list", f"command show {command}",
        "audit tail --since 1h", "quality", "quality IN-ABC", "status", "trace sesabc", "trace CDRREF", "trace resabc", "stats", "export",
    ]  # fmt: skip


def test_every_place(new_hub):
    """Parties registered and objects pushed in mixed case: no list, answer, header, message, export or log line has another spelling."""
    hub = new_hub(retry_initial="1h", retry_max="1h")
    cpo, emsp = hub.onboard(Party.parse("in-aBc", "CPO"), clientinfo=True), hub.onboard(Party.parse("in-xYz", "EMSP"), clientinfo=True)
    says(emsp, emsp.command("START_SESSION", payloads.start_session(emsp.party, "LocAbc", "EvsAbc"), to="IN-ABC"))
    says(emsp, emsp.get("locations?limit=1", to="IN-ABC"))
    hub.ok("rule", "enable", "IN-XYZ", "IN-ABC")
    hub.ok("party", "set", "IN-XYZ", "--push", "locations,tariffs")
    hub.ok("limit", "set", "IN-ABC", "locations", "1000/min")
    hub.ok("receiver", "set", "IN-XYZ", "x_own", "https://xyz.example/own", "--custom")
    hub.ok("party", "add", "in-pLn", "--role", "EMSP")
    for answer in (hub.ctl("party", "add", "IN-PLN", "--role", "EMSP", "--name", "A"), hub.ctl("party", "add", "IN-PLN", "--role", "EMSP", "--name", "B"),
                   hub.ctl("party", "set", "IN-ABC", "--push", "tariffs"), hub.ctl("party", "set", "IN-ABC"), hub.ctl("rule", "enable", "IN-ABC", "IN-XYZ"),
                   hub.ctl("object", "show", "cdr", "IN-ABC", "nope"), hub.ctl("party", "set", "IN-XYZ", "--forward-unknown-sessions")):  # fmt: skip
        is_clean("hubctl", answer.out, answer.err)
    assert cpo.put("locations", payloads.location(cpo.party, "LocAbc", evses=[payloads.evse("EvsAbc")])).code == 1000
    assert cpo.put("tariffs", payloads.tariff(cpo.party, "TarAbc")).code == 1000
    assert cpo.call("PUT", "locations/in/aBc/LocAbc/EvsAbc", payloads.evse("EvsAbc", status="CHARGING")).code == 1000
    emsp.wait("PUT", "/locations/.*EvsAbc$")
    assert emsp.command("RESERVE_NOW", payloads.reserve_now(emsp.party, "ResAbc", "LocAbc", evse_uid="EvsAbc"), to="IN-ABC").code == 1000
    emsp.script("PUT", "/sessions/", Reply(http=503), forever=True)
    assert cpo.put("sessions", payloads.session(cpo.party, emsp.party, "SesAbc", location_id="LocAbc", evse_uid="EvsAbc")).code == 1000
    answer = cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, "CdrAbc", session_id="SesAbc"))
    is_clean("Location", answer.headers["Location"])
    assert cpo.call("POST", "cdrs", {"id": "CdrRef", "country_code": "in", "party_id": "aBc"}).code == 2001
    hub.ok("rule", "disable", "IN-XYZ", "IN-ABC")
    assert cpo.put("sessions", payloads.session(cpo.party, emsp.party, "SesNew")).code == 1000
    eventually(lambda: hub.audit(object="CdrRef"), "the refused one has its row")
    hub.wait_rows("delivery", "list", "--state", "all", where=lambda row: row["module"] == "cdrs" and row["state"] == "delivered", what="the CDR is there")
    deliveries = hub.rows("delivery", "list", "--state", "all")
    evse = next(row["id"] for row in deliveries if row["module"] == "locations" and hub.one("delivery", "show", str(row["id"]))["evse"])
    assert hub.one("delivery", "show", str(evse))["evse"] == "EvsAbc"
    command = hub.rows("command", "list")[0]["id"]
    assert hub.one("command", "show", str(command))["object"] == "ResAbc"
    assert [row["session"] for row in hub.rows("delivery", "receipts", "--since", "1h")] == ["SesAbc"]
    for words in all_commands(hub, evse, command):
        answers = [hub.ctl("--json", *words.split()), hub.ctl(*words.split())] if words != "export" else [hub.ctl("export")]
        for answer in answers:
            assert answer.rc in (0, 6), answer
            is_clean(words, *answer.out.splitlines(), answer.err)
    assert {party["id"] for party in json.loads(hub.ok("export").out)["parties"]} == {"in-aBc", "in-xYz", "in-pLn"}
    is_clean("the log", hub.stderr())
    for platform in (cpo, emsp):
        for request in platform.received():
            is_clean(request.path, request.path, request.headers, request.body)
    pages = emsp.call("GET", "locations?limit=1")
    is_clean("Link", pages.headers)


def test_a_document_keeps_the_spelling(new_hub):
    """What is exported is applied elsewhere as it was; another spelling of what is there is no difference, and changes none."""
    hub, other = new_hub(), new_hub()
    hub.ok("party", "add", "in-aBc", "--role", "CPO")
    hub.ok("party", "add", "in-xYz", "--role", "EMSP")
    hub.ok("rule", "enable", "IN-XYZ", "IN-ABC")
    hub.ok("receiver", "set", "IN-XYZ", "sessions", "https://xyz.example/sessions")
    hub.ok("limit", "set", "in-abc", "locations", "7/min")
    document = hub.ok("export").out
    other.ok("apply", "-f", "-", stdin=document)
    assert [row["id"] for row in other.rows("party", "list")] == ["in-aBc", "in-xYz"]
    for text in (document, document.replace("in-aBc", "IN-ABC").replace("in-xYz", "in-XYZ")):
        assert other.ctl("diff", "-f", "-", stdin=text).rc == 0
        other.ok("apply", "-f", "-", stdin=text)
    whole, again = json.loads(document), json.loads(other.ok("export").out)
    whole.pop("revision"), again.pop("revision")
    assert again == whole
