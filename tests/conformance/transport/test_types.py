"""How values are read, compared and kept: ids, enumerations, times, numbers, text."""

import json

import pytest

from tests.conformance.rules import rule
from tests.e2e.harness import finds_pointer
from tests.sim import exact, payloads
from tests.sim.wire import timestamp


def store(cpo, module, body, ident):
    answer = cpo.put(module, body, ident=ident)
    assert answer.status in (200, 201) and answer.code == 1000, answer


@rule("OCPI 7-1", "hub 4-4")
def test_ids_in_url(shared):
    """Of the party, the object, the EVSE; whoever asks."""
    store(shared.cpo, "locations", payloads.location(shared.cpo.party, "Mixed-Case"), "Mixed-Case")
    own = shared.cpo.party.party_id.lower()
    for path in (f"locations/in/{own}/MIXED-CASE", f"locations/In/{own}/mixed-case/evse001", f"locations/IN/{own}/mixed-CASE/Evse001/1"):
        assert shared.emsp.get(path).outcome == (200, 1000), path
    assert shared.emsp.get(f"hubclientinfo/in/{own}").data["party_id"] == shared.cpo.party.party_id


@rule("OCPI 7-1", "hub 4-4")
def test_ids_in_header(shared):
    shared.emsp.authorize("CASE", to=shared.cpo.id.lower(), sender=shared.emsp.id.lower())
    assert shared.cpo.received("PUT", "/CASE/")[0].routing == (shared.emsp.id, shared.cpo.id), "as registered"


@rule("OCPI 7-1", "hub 4-4")
def test_ids_in_body(shared):
    """The owner's spelling is served as it came, the same object is meant."""
    own = shared.cpo.party.party_id
    body = payloads.tariff(shared.cpo.party, "folded", party_id=own.lower(), country_code="in")
    assert shared.cpo.put("tariffs", body, ident="FOLDED").outcome == (201, 1000)
    served = shared.emsp.get(shared.cpo.object_path("tariffs", "Folded")).data
    assert (served["id"], served["party_id"], served["country_code"]) == ("folded", own.lower(), "in")
    assert shared.cpo.put("tariffs", payloads.tariff(shared.cpo.party, "FOLDED")).outcome == (200, 1000)
    token = payloads.cdr_token(shared.emsp.party, country_code="in", party_id=shared.emsp.party.party_id.lower())
    store(shared.cpo, "sessions", payloads.session(shared.cpo.party, shared.emsp.party, "FOLD", cdr_token=token), "FOLD")
    assert shared.emsp.wait("PUT", "/sessions/.*/FOLD$").json["cdr_token"] == token


@rule("OCPI 7-2")
def test_text_keeps_case_and_characters(shared):
    name = "Zoë's ⚡ स्टेशन 充電 \u200d🚗 «a/b»\t\\"
    store(shared.cpo, "locations", payloads.location(shared.cpo.party, "TEXT", name=name), "TEXT")
    assert shared.emsp.get(shared.cpo.object_path("locations", "TEXT")).data["name"] == name
    escaped = json.dumps(payloads.location(shared.cpo.party, "TEXT", name=name, last_updated=timestamp(1)), ensure_ascii=True)
    store(shared.cpo, "locations", escaped, "TEXT")
    assert shared.emsp.get(shared.cpo.object_path("locations", "TEXT")).data["name"] == name


@rule("OCPI 7-3")
def test_enumerations_with_case(shared):
    for body, pointer in [
        (payloads.location(shared.cpo.party, "ENUM", evses=[payloads.evse(status="available")]), "/evses/0/status"),
        (payloads.location(shared.cpo.party, "ENUM", evses=[payloads.evse(status="Available")]), "/evses/0/status"),
    ]:
        answer = shared.cpo.put("locations", body)
        assert answer.outcome == (200, 2001) and finds_pointer(answer, pointer), answer
    tariff = payloads.tariff(shared.cpo.party, "ENUM", elements=[{"price_components": [{"type": "energy", "price": 1, "step_size": 1}]}])
    assert shared.cpo.put("tariffs", tariff).outcome == (200, 2001)


@rule("OCPI 7-4")
@pytest.mark.parametrize(
    "older, newer",
    [
        ("2025-05-01T10:00:00Z", "2025-05-01T10:00:00.001Z"),
        ("2025-05-01T10:00:00.9", "2025-05-01T10:00:01"),
        ("2025-05-01T10:00:00.123456Z", "2025-05-01T10:00:00.124Z"),
        ("2025-05-01T11:59:59Z", "2025-05-01T12:00:00.0Z"),
        ("2025-05-01T10:00:00Z", "2025-05-01T12:00:00+01:00"),
    ],
)
def test_times_are_instants_and_keep_their_spelling(pair, older, newer):
    path = pair.cpo.object_path("tariffs", "TIME")
    store(pair.cpo, "tariffs", payloads.tariff(pair.cpo.party, "TIME", last_updated=newer, currency="EUR"), "TIME")
    store(pair.cpo, "tariffs", payloads.tariff(pair.cpo.party, "TIME", last_updated=older, currency="USD"), "TIME")
    assert pair.cpo.get(path).data["currency"] == "EUR", "the older one is stale"
    assert pair.cpo.get(path).data["last_updated"] == newer


@rule("OCPI 7-4")
def test_the_same_instant_written_differently(pair):
    store(pair.cpo, "tariffs", payloads.tariff(pair.cpo.party, "TIME", last_updated="2025-05-01T10:00:09Z"), "TIME")
    for spelled in ("2025-05-01T10:00:09.0Z", "2025-05-01T10:00:09", "2025-05-01T10:00:09.000000Z"):
        store(pair.cpo, "tariffs", payloads.tariff(pair.cpo.party, "TIME", last_updated=spelled, currency="EUR"), "TIME")
        assert pair.cpo.get(pair.cpo.object_path("tariffs", "TIME")).data["last_updated"] == spelled, "not stale"


@rule("OCPI 7-5")
@pytest.mark.parametrize(
    "text",
    ["yesterday", "2025-05-01", "2025-13-01T00:00:00Z", "2025-02-30T00:00:00Z", "2025-05-01T25:00:00Z", "1746093600", "",
     "2025-05-01T10:00:00z9", "2025-05-01T10:00Z"],
)  # fmt: skip
def test_what_is_no_time(shared, text):
    answer = shared.cpo.put("tariffs", payloads.tariff(shared.cpo.party, "NOTIME", last_updated=text) | {"last_updated": text})
    assert answer.outcome == (200, 2001) and finds_pointer(answer, "/last_updated"), answer


@rule("OCPI 7-6")
def test_numbers_keep_their_spelling(shared):
    body = json.dumps(payloads.tariff(shared.cpo.party, "NUMBER"))[:-1] + ',"x":[12.50,1E2,-0.0,1.0,100000000000000000001,0.30000000000000004]}'
    store(shared.cpo, "tariffs", body, "NUMBER")
    assert shared.emsp.get(shared.cpo.object_path("tariffs", "NUMBER")).exact_data == exact(body)


@rule("OCPI 7-7")
def test_lengths_count_characters(new_hub):
    """Strict: 255 characters of three bytes each fit into a name of 255; 256 do not."""
    cpo = new_hub(validation="strict").onboard("CPO")
    assert cpo.put("locations", payloads.location(cpo.party, "LENGTH", name="च" * 255)).outcome == (201, 1000)
    answer = cpo.put("locations", payloads.location(cpo.party, "LENGTH2", name="च" * 256))
    assert answer.outcome == (200, 2001) and finds_pointer(answer, "/name"), answer


@rule("OCPI 7-8")
def test_the_hubs_own_times(shared):
    listed = shared.cpo.get("hubclientinfo").data
    stamps = [shared.cpo.get("credentials").json["timestamp"], *(entry["last_updated"] for entry in listed)]
    assert len(stamps) > 2 and all(stamp.endswith("Z") for stamp in stamps)
