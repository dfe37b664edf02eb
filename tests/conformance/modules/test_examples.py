"""Every example payload of the OCPI specification, taken or refused as the index beside them says.

The files are not part of this repository: they lie in the folder ocpi/examples below the folder that HUB_SHARED names, else below
a folder `shared` beside this checkout or beside one of its parents. Where there is none, these cases are skipped.
"""

import json
import os
import re
from pathlib import Path

import pytest

from tests.conformance.modules.judge import done, findings, refused
from tests.conformance.rules import rule
from tests.e2e.harness import ROOT, Hub
from tests.sim import Party, Reply, exact, payloads

PLACES = [Path(os.environ["HUB_SHARED"])] if "HUB_SHARED" in os.environ else [folder / "shared" for folder in ROOT.parents]
FOLDER = next((place / "ocpi" / "examples" for place in PLACES if (place / "ocpi" / "examples" / "index.json").is_file()), None)
INDEX = json.loads((FOLDER / "index.json").read_text())["files"] if FOLDER else {}
OLD = "2010-01-01T00:00:00Z"
COVERED = set()  # the kinds that have a case
shown = rule("hub 5-validation-16")
handled = shown if FOLDER else pytest.mark.skip("no folder shared/ocpi/examples beside this checkout; HUB_SHARED names the folder shared")


def text_of(name):
    return (FOLDER / name).read_text()


def examples(*kinds):
    """The examples of these kinds, "Type form" as in the index."""
    names = [name for name, entry in INDEX.items() if f"{entry['type']} {entry['form']}" in kinds]
    if "Location patch" in kinds:  # oldest first, else the second one is stale
        names.sort(key=lambda name: json.loads(text_of(name))["last_updated"])
    COVERED.update(kinds)
    return pytest.mark.parametrize("name", names or [None])


def data_of(name):
    """The object, or list of objects, out of its envelope; as it is spelled."""
    return exact(text_of(name)).get("data")


@handled
def test_no_example_is_left_out():
    assert {f"{entry['type']} {entry['form']}" for entry in INDEX.values()} <= COVERED


@pytest.fixture(scope="module")
def hub_settings():
    """As strict as it gets; the examples' hosts are never called."""
    return {"validation": "strict", "discovery": "off", "probe_interval": "1h"}


@pytest.fixture(scope="module")
def world(hub):
    """The parties of the examples: CPOs on one platform, two eMSPs on one each; receivers set, rules on."""
    cpos = [Party.parse(ident, "CPO") for ident in ("NL-TNM", "BE-BEC", "SE-EVC", "NL-ALF", "NL-ALL", "DE-ALL", "NL-STK")]
    cpo, *emsps = (hub.onboard(*parties) for parties in (cpos, [Party.parse("NL-TST", "EMSP")], [Party.parse("DE-TNM", "EMSP")]))
    hub.ok("receiver", "set", cpo.id, "commands", f"{cpo.url}/ocpi/2.2.1/commands")
    for emsp in emsps:
        for module in ("sessions", "cdrs"):
            hub.ok("receiver", "set", emsp.id, module, f"{emsp.url}/ocpi/2.2.1/{module}")
        for party in cpos:
            hub.ok("rule", "enable", emsp.id, party.id)
    return cpo, *emsps


def owner_path(module, body):
    return f"{module}/{body['country_code']}/{body['party_id']}/{body['id']}"


def pointers(entry):
    """The places of the index's violations, as JSON pointers; unknown fields break nothing here."""
    places = [text.partition(": ") for text in entry.get("violations", ())]
    return {re.sub(r"\[(\d+)\]", r".\1", place)[1:].replace(".", "/") for place, _, what in places if "not defined" not in what}


# ---------------------------------------------------------------- objects


@examples("Location bare", "Tariff bare")
@handled
def test_location_or_tariff(world, name):
    """The owner's PUT is taken, an eMSP reads the same bytes; or each violation is named."""
    cpo, emsp, _ = world
    entry, text = INDEX[name], text_of(name)
    path = owner_path(f"{entry['type'].lower()}s", json.loads(text))
    answer = cpo.call("PUT", path, text)
    if entry["valid"]:
        done(answer)
        assert emsp.get(path).exact_data == exact(text)
    else:
        refused(answer)
        assert pointers(entry) <= set(findings(answer)), answer.message
        assert emsp.get(path).outcome == (404, 2003)
    if entry["type"] == "Tariff" and entry["valid"]:  # several examples share an id
        done(cpo.call("DELETE", path))


@examples("EnergyMix fragment", "Hours fragment", "Hours bare", "DisplayText bare")
@handled
def test_part_of_a_location(world, name, ident):
    """Inside a Location of ours, where the index says that it belongs."""
    cpo, emsp, _ = world
    entry, value = INDEX[name], json.loads(text_of(name))
    field = {"EnergyMix": "energy_mix", "Hours": "opening_times", "DisplayText": "directions"}[entry["type"]]
    part = value if entry["form"] == "fragment" else {field: [value] if field == "directions" else value}
    body = payloads.location(cpo.party, ident, **part)
    done(cpo.put("locations", body))
    assert emsp.get(cpo.object_path("locations", ident)).exact_data == exact(json.dumps(body))


@pytest.fixture(scope="module")
def site(world):
    """The Location and the Session that the examples of PATCH are about."""
    cpo, emsp, _ = world
    evses = [payloads.evse(uid, last_updated=OLD) for uid in ("3255", "3256")]
    done(cpo.put("locations", payloads.location(cpo.party, "1012", last_updated=OLD, evses=evses)))
    done(cpo.put("sessions", payloads.session(cpo.party, emsp.party, "101", last_updated=OLD)))
    return world


@examples("Location patch", "EVSE patch", "Connector patch", "Session patch")
@handled
def test_patch(site, name):
    """What the example names is then as it says; charging_periods are added."""
    cpo, emsp, _ = site
    text = text_of(name)
    path = INDEX[name]["request"].removeprefix("PATCH .../")
    reader = cpo if path.startswith("sessions") else emsp
    before = done(reader.get(path)).data
    done(cpo.call("PATCH", path, text))
    patch = json.loads(text)
    if "charging_periods" in patch:
        patch["charging_periods"] = before["charging_periods"] + patch["charging_periods"]
    assert done(reader.get(path)).data == {**before, **patch}


@examples("EVSE bare")
@handled
def test_evse(site, name):
    cpo, emsp, _ = site
    path = INDEX[name]["request"].removeprefix("PUT .../")
    before = done(emsp.get(path)).data
    answer = cpo.call("PUT", path, text_of(name))
    refused(answer)
    assert pointers(INDEX[name]) <= set(findings(answer)), answer.message
    assert done(emsp.get(path)).data == before


@examples("Session bare")
@handled
def test_session(world, name):
    cpo, emsp, _ = world
    text = text_of(name)
    path = owner_path("sessions", json.loads(text))
    done(cpo.call("PUT", path, text))
    assert cpo.get(path).exact_data == exact(text) == exact(emsp.wait("PUT", f"^/ocpi/2.2.1/{path}$").body)


@examples("CDR bare")
@handled
def test_cdr(world, name):
    cpo, _, emsp = world
    answer = done(cpo.call("POST", "cdrs", text_of(name)))
    assert cpo.get(answer.headers["Location"]).exact_data == exact(text_of(name)) == exact(emsp.wait("POST", "/cdrs$").body)


@examples("Response error")
@handled
def test_error_of_a_partner(world, name, ident):
    """A CPO answers a command with it: the eMSP learns code and text."""
    cpo, emsp, _ = world
    cpo.script("POST", "/commands/", Reply(body=text_of(name).encode()))
    answer = emsp.command("START_SESSION", payloads.start_session(emsp.party, ident), to=cpo.id)
    wanted = json.loads(text_of(name))
    assert answer.outcome == (200, wanted["status_code"]) and wanted["status_message"] in answer.message, answer


# ---------------------------------------------------------------- credentials, versions


@examples("Credentials bare")
@handled
def test_credentials(new_hub, name):
    """The exchange is done with it; what it says about its business stays."""
    hub = new_hub(validation="strict", discovery="off", probe_interval="1h")
    body = json.loads(text_of(name))
    parties = {}
    for role in body["roles"]:
        parties.setdefault(f"{role['country_code']}-{role['party_id']}", []).append(role["role"])
    first = next(iter(parties))
    for ident, roles in parties.items():
        host = () if ident == first else ("--platform", first)
        hub.ok("party", "add", ident, *(word for role in roles for word in ("--role", role)), "--name", ident, *host)
    platform = hub.platform(Party.parse(first, "CPO"))
    answer = platform.call("POST", "credentials", text_of(name), token=hub.issue(first))
    assert done(answer).data["url"] == f"{hub.url}/ocpi/versions" and answer.data["roles"][0]["role"] == "HUB"
    assert {row["id"] for row in hub.rows("party", "list") if row["status"] == "CONNECTED"} == set(parties)


@pytest.fixture(scope="module")
def finder():
    """A hub that insists on finding its partners' endpoints."""
    with Hub(discovery="require") as hub:
        yield hub


def own_hosts(text, platform):
    """The documents of a partner name its own server."""
    return re.sub(r"https://[^/\"]+", platform.url, text)


@examples("Version list", "Version enveloped_list", "VersionDetails bare", "VersionDetails enveloped")
@handled
def test_version_documents(finder, name):
    """Where the document offers 2.2.1 the endpoints are found; where it offers only others the exchange ends with 3002."""
    platform = finder.add(finder.platform("EMSP"))
    text = own_hosts(text_of(name), platform)
    if not INDEX[name]["form"].startswith("enveloped"):
        text = f'{{"status_code":1000,"data":{text},"timestamp":"2025-01-01T00:00:00Z"}}'
    path = "/ocpi/versions" if INDEX[name]["type"] == "Version" else "/ocpi/2.2.1"
    platform.credentials_end = path.removeprefix("/ocpi/")
    platform.script("GET", f"^{path}$", Reply(body=text.encode()), forever=True)
    answer = platform.post_credentials(finder.issue(platform.id))
    if '"2.2.1"' in text:
        assert done(answer) and finder.receiver(platform, "sessions") == f"{platform.url}/ocpi/2.2.1/sessions"
    else:
        assert answer.outcome == (200, 3002), answer
        assert finder.status_of(platform.id) == "PLANNED"


# ---------------------------------------------------------------- tokens


@pytest.fixture(scope="module")
def issuers(finder):
    """The eMSPs of the token examples on one platform, and a CPO with rules for both."""
    emsp, cpo = finder.onboard(Party.parse("NL-TNM", "EMSP"), Party.parse("DE-TNM", "EMSP")), finder.onboard("CPO")
    for party in emsp.parties:
        finder.ok("rule", "enable", party.id, cpo.id)
    return emsp, cpo


@examples("Token bare", "Token patch")
@handled
def test_token(issuers, name):
    """On its way from the eMSP to the CPO that OCPI-to names."""
    emsp, cpo = issuers
    text, entry = text_of(name), INDEX[name]
    body = json.loads(text)
    method, _, path = entry.get("request", "PUT .../tokens/{country_code}/{party_id}/{uid}").partition(" .../")
    path = path.format(**body)
    cpo.script(method, f"^/ocpi/2.2.1/{path}$", Reply())
    done(emsp.call(method, f"{path}?type={body.get('type', 'RFID')}", text, to=cpo.id))
    assert exact(cpo.wait(method, f"^/ocpi/2.2.1/{path}$").body) == exact(text)


@examples("Token enveloped", "Token enveloped_list")
@handled
def test_token_answer(issuers, name):
    """As the answer of the CPO to the eMSP, a list as that of the eMSP to the CPO."""
    emsp, cpo = issuers
    asker, asked = (cpo, emsp) if INDEX[name]["form"] == "enveloped_list" else (emsp, cpo)
    path = "tokens" if asker is cpo else "tokens/NL/TNM/012345678"
    asked.script("GET", f"^/ocpi/2.2.1/{path}$", Reply(body=text_of(name).encode()))
    assert done(asker.get(path, to=asked.id)).exact_data == data_of(name)
