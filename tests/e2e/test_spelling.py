"""Ids compare in any case; what is listed is spelled as its owner spelled it: parties as registered, objects as pushed."""

from tests.e2e.harness import eventually
from tests.sim import payloads


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
