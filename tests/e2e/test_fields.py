"""Every command's answer on a hub with something of everything: its fields are the documented ones (the harness compares them)."""

import pytest

from tests.e2e.documented import compare
from tests.e2e.harness import hub_time
from tests.sim import Party, payloads


@pytest.fixture(scope="module")
def busy(hub):
    """A pair with objects, an authorization, a command, a finding, delivered, held and failed deliveries, a limit and a refused CDR."""
    made = hub.pair()
    cpo, emsp = made.cpo, made.emsp
    cpo.put("locations", payloads.location(cpo.party))
    cpo.put("tariffs", payloads.tariff(cpo.party))
    cpo.put("sessions", payloads.session(cpo.party, emsp.party, "SES-1", status="COMPLETED"))
    cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, "CDR-1"))
    cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, "CDR-1", total_energy=1.5))
    emsp.authorize("T1")
    emsp.command("START_SESSION", payloads.start_session(emsp.party))
    emsp.wait("POST", "/cdrs$")
    cpo.put("sessions", payloads.session(cpo.party, Party.parse("IN-ZZZ", "EMSP"), "SES-HELD"))
    emsp.down()
    cpo.put("sessions", payloads.session(cpo.party, emsp.party, "SES-2"))
    cpo.put("sessions", payloads.session(cpo.party, emsp.party, "SES-3"))
    hub.wait_rows("delivery", "list", "--state", "pending", where=lambda row: row["last_error"], what="a try has failed")
    hub.wait_rows("quality", where=lambda row: row["party"] == cpo.id, what="a finding is counted")
    hub.ok("limit", "set", emsp.id, "authorize", "500/min")
    hub.wait_audit(lambda row: row["status"] == "conflict", "the refused CDR is audited")
    return made


def document(hub):
    """With one difference to what the hub has."""
    file = hub.directory / "hub.json"
    file.write_text('{"limits":[{"party":"default","module":"commands","rate":"7/min"}]}')
    return str(file)


def reads(made):
    """What the commands that only read are given, where they need something."""
    deliveries = {row["object"]: str(row["id"]) for row in made.hub.rows("delivery", "list", "--state", "all")}
    (command,) = made.hub.rows("command", "list")
    return {
        "party.show": [[made.cpo.id], [made.emsp.id]],
        "limit.list": [[], [made.emsp.id]],
        "diff": [["-f", document(made.hub)]],
        "rule.explain": [[made.emsp.id, made.cpo.id]],
        "trace": [["SES-1"], [str(command["id"])], ["SES-2"], ["SES-HELD"]],
        "delivery.list": [[], ["--state", "all"]],
        "delivery.show": [[deliveries["CDR-1"]], [deliveries["SES-2"]], [deliveries["SES-HELD"]]],
        "delivery.receipts": [["--since", "1h"]],
        "delivery.reconcile": [["--month", hub_time(made.cpo)[:7]]],
        "command.show": [[str(command["id"])]],
        "object.list": [["location"], ["tariff"], ["session"], ["cdr"]],
        "object.show": [["location", made.cpo.id, "LOC001"]],
    }


def test_whatever_is_read(busy):
    """Lists, cards, streams and the matrix."""
    given = reads(busy)
    for (noun, verb), method in busy.hub.documented.methods.items():
        if method["access"] != "read":
            continue
        name = method["name"]
        assert name in given or not any(param["required"] for param in method["params"]), f"{name}: say in reads() what to give it"
        for args in given.get(name, [[]]):
            result = busy.hub.ctl(noun, *([verb] if verb else []), *args, "--json")
            assert result.rc in (0, 6) and result.out, result


def test_whatever_is_changed(busy):
    """Each change, down to the removal of what it was tried on."""
    hub, cpo, emsp = busy
    party = hub.new_party("CPO").id
    retried, dropped = (row["id"] for row in hub.rows("delivery", "list", "--state", "pending"))
    changes = [
        ["party", "add", party, "--role", "CPO"],
        ["party", "set", party, "--name", "Changed"],
        ["receiver", "set", party, "tokens", "https://abc.example/tokens"],
        ["receiver", "unset", party, "tokens"],
        ["limit", "set", party, "commands", "5/min"],
        ["limit", "unset", party, "commands"],
        ["token", "issue", party],
        ["token", "revoke", party, "--all"],
        ["rule", "enable", emsp.id, party],
        ["rule", "disable", emsp.id, party],
        ["party", "suspend", party, "--reason", "a test"],
        ["party", "resume", party],
        ["party", "remove", party, f"--confirm={party}"],
        ["log", "level", "debug"],
        ["delivery", "retry", retried],
        ["delivery", "drop", dropped, f"--confirm={dropped}"],
        ["delivery", "replay", emsp.id, "--since", "1h"],
        ["token", "rotate", cpo.id],
        ["receiver", "discover", cpo.id],
        ["party", "check", cpo.id],
        ["apply", "-f", document(hub)],
        ["backup", str(hub.directory / "state" / "copy.db")],
    ]
    for words in changes:
        result = hub.ctl(*words, "--json")
        assert result.rc in (0, 6) and len(result.json) == 1, result
    hub.connect(*hub.invited(), "--json")
    tried = {".".join(words[:2]) for words in changes} | {words[0] for words in changes} | {"party.connect"}
    untried = {method["name"] for method in hub.documented.methods.values() if method["access"] == "admin"} - tried
    assert not untried, f"add to the list of changes: {untried}"


def test_a_breach_is_seen():
    """The comparison itself: a field too many, one too few, one of another kind, the same inside a section."""
    inner = [{"name": "at", "kind": "time"}]
    fields = [{"name": "id", "kind": "id"}, {"name": "count", "kind": "number"}, {"name": "rows", "kind": "objects", "fields": inner}]
    good = {"id": "x", "count": 1, "rows": [{"at": "2026-01-31T12:00:00.000Z"}]}
    assert not list(compare("m", fields, good)) and not list(compare("m", fields, dict.fromkeys(good)))
    for change, said in (
        ({"more": 1}, "m: more is not documented"),
        ({"count": "1"}, "m: count is no number: '1'"),
        ({"count": True}, "m: count is no number: True"),
        ({"rows": [{"at": "today"}]}, "m.rows: at is no time: 'today'"),
        ({"rows": [{}]}, "m.rows: at is documented and not there"),
    ):
        assert list(compare("m", fields, {**good, **change})) == [said]
    assert list(compare("m", fields, {"id": "x", "rows": []})) == ["m: count is documented and not there"]


# Lists that scripts rely on: what is added is documented, what is here is never taken away.
KEYS = {
    "party.list": "id country_code party_id roles name status platform last_seen heard reached last_error",
    "party.show": "id country_code party_id roles name status platform last_seen heard reached last_error",
    "token.issue": "party token fingerprint expires",
    "receiver.list": "party module url source",
    "rule.list": "emsp cpo enabled since",
    "delivery.list": "id state module object from to attempts next_attempt last_error created",
    "delivery.show": "id state module object from to attempts next_attempt last_error created",
    "audit.tail": "cursor time actor action party module method from to status latency_ms request_id correlation_id detail",
    "command.list": "id command emsp cpo state result created expires",
    "command.show": "id command emsp cpo state result created expires",
}
SETTINGS = """
    listen base_url state_dir admin_socket admin_group viewer_group key_file allow_networks validation emsp_backfill country_code party_id
    name threads log_level log_format probe_interval probe_timeout offline_after forward_timeout command_forward_timeout command_timeout
    retry_initial retry_max retry_give_up token_overlap initial_token_ttl discovery allow_private_networks response_url_any_host
    limit_authorize limit_commands limit_locations audit_retention"""


def test_keys_that_scripts_rely_on(hub):
    """KEYS: every one is still a field of the answer, and in its page (hubctl(1), NOUNS)."""
    methods = {method["name"]: {field["name"] for field in method["fields"]} for method in hub.documented.methods.values()}
    for name, keys in KEYS.items():
        assert set(keys.split()) <= methods[name], name


def test_settings_that_scripts_rely_on(hub):
    """SETTINGS: conf show has every one (hubd.conf(5), SETTINGS)."""
    assert set(SETTINGS.split()) <= set(hub.ok("conf", "show", "-q").out.split())
