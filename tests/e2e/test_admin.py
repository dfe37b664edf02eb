"""What the account team's changes do inside hubd: identities, registration anew, bulk retries, what the hub holds, changes at once, access."""

import grp
import itertools
import json
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.harness import BIN, Line, eventually
from tests.e2e.meddle import environment
from tests.sim import exact, payloads

NOBODY = 65534


# ---------------------------------------------------------------- party


def test_roles_are_added_and_nothing_is_replaced_silently(hub):
    """A further role joins the party; another name is a conflict that names `party set`; the hub's own id is refused."""
    party = hub.new_party("CPO").id
    hub.ok("party", "add", party, "--role", "CPO")
    assert hub.ok("party", "add", party, "--role", "EMSP").out == f"party {party} role EMSP added\n"
    assert hub.one("party", "show", party)["roles"] == ["CPO", "EMSP"]
    assert hub.ok("party", "add", party, "--role", "CPO", "--name", "First").out == f"party {party} completed\n"
    refused = hub.ctl("party", "add", party, "--role", "CPO", "--name", "Second")
    assert refused.rc == 1 and "First" in refused.err and "party set" in refused.err
    refused = hub.ctl("party", "add", "in*cih", "--role", "CPO")
    assert refused.rc == 1 and "own id" in refused.err
    assert hub.ctl("party", "add", "IN-NEW", "--role", "CPO", "--platform", "IN-QQQ").rc == 1


def test_parties_of_one_platform_share_its_tokens(hub):
    """--platform hosts a party on an existing platform; removing the last party of a platform takes its tokens along."""
    first, second = hub.new_party("CPO").id, hub.new_party("EMSP").id
    hub.ok("party", "add", first, "--role", "CPO")
    hub.ok("party", "add", second, "--role", "EMSP", "--platform", first)
    hub.issue(second)
    assert hub.one("party", "show", second)["platform"] == first
    (token,) = hub.rows("token", "list", first)
    hub.ok("party", "remove", first, f"--confirm={first}")
    assert [row["fingerprint"] for row in hub.rows("token", "list", second)] == [token["fingerprint"]]
    hub.ok("party", "remove", second, f"--confirm={second}")
    assert token["fingerprint"] not in [row["fingerprint"] for row in hub.rows("token", "list")]


def test_one_id_on_two_platforms(hub):
    """IN-ABC as CPO here and as EMSP there: each is named with its role, an unclear id is refused, roles choose by themselves in rules."""
    party = hub.new_party("CPO").id
    hub.ok("party", "add", party, "--role", "CPO")
    hub.ok("party", "add", party, "--role", "EMSP", "--platform", "new")
    assert "unchanged" in hub.ok("party", "add", party, "--role", "EMSP", "--platform", "new").out
    ids = [row["id"] for row in hub.rows("party", "list") if row["id"].startswith(party)]
    assert ids == [f"{party}:CPO", f"{party}:EMSP"]
    assert hub.one("party", "show", f"{party}:EMSP")["roles"] == ["EMSP"]
    unclear = hub.ctl("party", "show", party)
    assert unclear.rc == 1 and ":CPO" in unclear.err
    hub.ok("rule", "enable", party, party)
    (row,) = hub.rows("rule", "list", "--party", f"{party}:EMSP")
    assert (row["emsp"], row["cpo"]) == (f"{party}:EMSP", f"{party}:CPO")
    hub.ok("party", "remove", f"{party}:EMSP", f"--confirm={party}:EMSP")
    assert hub.one("party", "show", party)["id"] == party


# ---------------------------------------------------------------- tokens


def test_a_registered_platform_begins_anew_only_by_force(hub):
    """An initial token for a registered platform is refused with the way out; --force ends the registration and it may POST again."""
    platform = hub.onboard("CPO")
    refused = hub.ctl("token", "issue", platform.id)
    assert refused.rc == 1 and "--force" in refused.err and refused.out == ""
    token = hub.ok("token", "issue", platform.id, "--force").out.strip()
    assert hub.status_of(platform.id) == "PLANNED"
    assert platform.get("credentials").outcome == (401, 2002)
    platform.register(token)
    assert hub.status_of(platform.id) == "CONNECTED"


def test_a_new_initial_token_replaces_the_unused_one(hub):
    party = hub.new_party("CPO").id
    hub.ok("party", "add", party, "--role", "CPO")
    hub.issue(party)
    second = hub.one("token", "issue", party)
    assert [row["fingerprint"] for row in hub.rows("token", "list", party)] == [second["fingerprint"]]
    wrong = hub.ctl("token", "revoke", party, "00000000")
    assert wrong.rc == 1 and "no such token" in wrong.err
    for ttl in ("0", "400d"):
        assert hub.ctl("token", "issue", party, "--ttl", ttl).rc == 1


# ---------------------------------------------------------------- delivery


def test_bulk_retry(new_hub):
    """retry --party tries again what is for that party and nothing else; one audit row tells how many."""
    hub = new_hub(retry_initial="1h", retry_max="1h")
    hub, cpo, emsp = hub.pair()
    other = hub.onboard("EMSP")
    hub.rule(other, cpo)
    for receiver in (emsp, other):
        receiver.down()
        for number in range(3):
            cpo.call("POST", "cdrs", payloads.cdr(cpo.party, receiver.party, f"CDR-{receiver.party.party_id}-{number}"))
        hub.wait_rows("delivery", "list", "--party", receiver.id, where=lambda row: row["attempts"] == 1, what="a failed attempt")
    emsp.up()
    other.up()
    assert hub.ok("delivery", "retry", "--party", emsp.id).out == "3 deliveries to be tried again now\n"
    emsp.wait("POST", "/cdrs$", count=3)
    eventually(lambda: hub.rows("delivery", "list", "--party", emsp.id) == [], "nothing waits for this eMSP")
    assert len(hub.rows("delivery", "list", "--party", other.id)) == 3 and other.received("POST", "/cdrs") == []
    (row,) = hub.audit(action="delivery.retry")
    assert row["party"] == emsp.id and row["detail"]["count"] == 3
    assert hub.ok("delivery", "retry", "--party", emsp.id).out == "0 deliveries to be tried again now\n"
    assert hub.ok("delivery", "retry", "--all").out == "3 deliveries to be tried again now\n"
    other.wait("POST", "/cdrs$", count=3)
    done = hub.rows("delivery", "list", "--state", "delivered", "--party", emsp.id, "--limit", "1")[0]["id"]
    for verb, words in (("retry", [done]), ("drop", [done, f"--confirm={done}"])):
        refused = hub.ctl("delivery", verb, *words)
        assert refused.rc == 1 and "delivered" in refused.err


# ---------------------------------------------------------------- objects


def test_objects(hub, pair):
    """What the hub holds: listed by owner, id and time, over several pages; shown byte for byte; unknown ones are named."""
    body = json.dumps(payloads.location(pair.cpo.party, "loc-x"))[:-1] + ',  "odd": 1.50 }'
    assert pair.cpo.put("locations", body, ident="loc-x").status == 201
    for number in range(4):
        pair.cpo.put("tariffs", payloads.tariff(pair.cpo.party, f"TAR-{number}"))
    pair.cpo.put("sessions", payloads.session(pair.cpo.party, pair.emsp.party, "SES-9", status="ACTIVE"))
    (row,) = hub.rows("object", "list", "location", "--party", pair.cpo.id)
    assert (row["module"], row["party"], row["id"]) == ("location", pair.cpo.id, "loc-x") and row["bytes"] >= len(body) - 100
    ids = [f"TAR-{number}" for number in range(4)]
    assert [row["id"] for row in hub.rows("object", "list", "tariff", "--party", pair.cpo.id)] == ids
    assert [row["id"] for row in hub.rows("object", "list", "tariff", "--party", pair.cpo.id, "--limit", "3")] == ids[:3]
    wanted = {"module": "tariff", "party": pair.cpo.id}
    page = json.loads(hub.ok("rpc", "object.list", json.dumps({**wanted, "limit": 3})).out)
    rest = json.loads(hub.ok("rpc", "object.list", json.dumps({**wanted, "after": page["next"]})).out)
    assert [row["id"] for row in rest["rows"]] == ids[3:] and "next" not in rest
    (row,) = [row for row in hub.rows("object", "list", "session", "--id", "ses-9") if row["party"] == pair.cpo.id]
    assert (row["emsp"], row["status"]) == (pair.emsp.id, "ACTIVE")
    assert hub.rows("object", "list", "tariff", "--party", pair.cpo.id, "--since", "2999-01-01") == []
    shown = hub.ok("object", "show", "location", pair.cpo.id, "LOC-x").out
    assert exact(shown) == exact(body)
    assert hub.ok("object", "show", "location", pair.cpo.id, "loc-x", "--field", "odd").out == "1.50\n"
    gone = hub.ctl("object", "show", "cdr", pair.cpo.id, "NOPE")
    assert gone.rc == 1 and gone.err.startswith(f"hubctl: cdr NOPE of party {pair.cpo.id}: no such cdr\nhint: ")


# ---------------------------------------------------------------- many at once


def test_changes_at_once_take_turns(hub):
    """Sixty changes of one party on three connections at once: each is applied, in turn, and audited; one party, not many."""
    party = hub.new_party("CPO").id
    lines = [Line(hub) for _ in range(3)]

    def work(line, number):
        line.send(*[("party.add", {"id": party, "roles": ["CPO"]})] * 10, *[("party.set", {"id": party, "name": f"N{number}-{n}"}) for n in range(10)])

    threads = [threading.Thread(target=work, args=(line, number)) for number, line in enumerate(lines)]
    for thread in threads:
        thread.start()
    answers = [answer for line in lines for answer in line.answers(20).values()]
    added = [answer["result"]["change"] for answer in answers if "result" in answer and "added" in answer["result"]["message"]]
    assert len(added) == 1 and len([answer for answer in answers if "result" in answer]) == 60, answers
    assert len([row for row in hub.rows("party", "list") if row["id"] == party]) == 1
    assert len(hub.audit(party=party, action="party.set")) == 30
    assert hub.ctl("audit", "verify").rc == 0


def test_changes_that_partners_meet_are_made(new_hub, monkeypatch):
    """Partners change the platform all the while, and with a slow disk many at once: each change of the account team is made of what they left, however often that takes."""
    for name, value in environment(HUB_TEST_DISK_MS="5").items():
        monkeypatch.setenv(name, value)
    hub = new_hub(discovery="off")
    cpo, emsp = hub.onboard("CPO"), hub.onboard("EMSP")
    role, over = cpo.parties[0].credentials_role(), threading.Event()

    def rename(number):
        for turn in itertools.count():
            if over.is_set():
                return
            cpo.put_credentials(roles=[{**role, "business_details": {"name": f"N{number}-{turn}"}}])

    partners = [threading.Thread(target=rename, args=(number,)) for number in range(16)]
    for thread in partners:
        thread.start()
    changes = [("party", "set", cpo.id, "--from", "hub" if number % 2 else "party") for number in range(10)]
    changes += [("limit", "set", cpo.id, "locations", f"{number + 100}/min") for number in range(8)] + [("rule", "enable", emsp.id, cpo.id)] * 14
    try:
        with ThreadPoolExecutor(len(changes)) as pool:
            results = list(pool.map(lambda words: hub.ctl("--timeout", "60s", *words), changes))
    finally:
        over.set()
        for thread in partners:
            thread.join()
    assert [str(result) for result in results if result.rc != 0] == []
    assert len(hub.audit(action="limit.set")) == 8


def test_a_client_that_leaves_does_not_stop_its_change(hub):
    """The change is done although nobody waits for the answer."""
    party = hub.new_party("CPO").id
    line = Line(hub)
    line.send(("party.add", {"id": party, "roles": ["CPO"]}))
    line.socket.close()
    line.lines.close()
    eventually(lambda: hub.ctl("party", "show", party).rc == 0, "the party is there")


# ---------------------------------------------------------------- access and the rest


STRANGER = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
as_another_user = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


def hub_for(new_hub, **groups):
    """A hub that lets nogroup in, and the stranger in it."""
    hub = new_hub(**groups)
    if hub.ctl("status", **STRANGER).rc != 0:
        pytest.skip(f"another user cannot run {BIN}")
    return hub


@as_another_user
def test_refused_tries_are_audited(new_hub):
    """Who was refused what stands in the audit."""
    hub = hub_for(new_hub, viewer_group="nogroup")
    assert hub.ctl("token", "issue", "IN-ABC", **STRANGER).rc == 4
    row = hub.wait_audit(lambda row: row["action"] == "access.refused", "the refused try")
    assert row["actor"].startswith(f"uid:{NOBODY} ") and row["method"] == "token.issue" and row["status"] == "refused"


@as_another_user
def test_who_may_do_what(new_hub):
    """Every method: viewer_group may do what reads and nothing else, admin_group all of it. Peer credentials tell them apart, not the mode."""
    viewed, administered = hub_for(new_hub, viewer_group="nogroup"), hub_for(new_hub, admin_group="nogroup")
    methods = json.loads(viewed.ok("rpc", "rpc.discover").out)["methods"]
    changing = [method["name"] for method in methods if method["access"] == "admin"]
    assert {"party.add", "token.issue", "rule.disable", "delivery.drop", "log.level"} <= set(changing)
    for method in methods:
        if method["name"] in ("audit.tail", "audit.verify"):
            continue  # streams: `audit tail` is below
        words = [method["name"], *(['{"level": "info"}'] if method["name"] == "log.level" else [])]  # without it, it only reads
        codes = [hub.ctl("rpc", *words, **STRANGER).rc for hub in (viewed, administered)]
        assert (codes[0] == 4) == (method["name"] in changing) and codes[1] != 4, (method["name"], codes)
    refused = changing[:20]  # so many a minute; a stranger must not fill the audit
    eventually(lambda: [row["method"] for row in viewed.audit(action="access.refused")] == refused, "each refused try is a row")
    assert viewed.ctl("log", "level", **STRANGER).rc == 0 and viewed.ctl("log", "level", "debug", **STRANGER).rc == 4
    assert viewed.ctl("audit", "tail", **STRANGER).rc == administered.ctl("audit", "verify", **STRANGER).rc == 0


@as_another_user
def test_strangers_at_the_socket(new_hub):
    """Who is in neither group gets no answer but that; where the mode lets them reach the socket, the try is audited."""
    closed, open_to_others = new_hub(), new_hub()
    assert closed.ctl("status", **STRANGER).rc in (3, 4)
    assert closed.audit(action="access.refused") == [], "the file's mode kept them out"
    open_to_others.socket.chmod(0o666)
    refused = open_to_others.ctl("status", **STRANGER)
    if refused.rc == 3:
        pytest.skip(f"another user cannot run {BIN}")
    assert refused.rc == 4 and "admin_group" in refused.err and refused.out == "", refused
    row = open_to_others.wait_audit(lambda row: row["action"] == "access.refused", "the refused try")
    assert row["actor"].startswith(f"uid:{NOBODY} ") and row["method"] == "connect"


@as_another_user
def test_the_socket_belongs_to_admin_group(new_hub):
    """0660 and the group: who is not in it does not even reach the socket."""
    hub = new_hub(admin_group="nogroup")
    status = hub.socket.stat()
    assert (stat.S_IMODE(status.st_mode), status.st_gid) == (0o660, grp.getgrnam("nogroup").gr_gid)


def test_log_level(hub):
    """Changed at once, told by conf show, audited."""
    before = hub.ok("log", "level").out
    assert hub.ok("log", "level", "warn").out == "log level warn\n"
    assert hub.ok("conf", "show", "log_level", "--field", "value").out == "warn\n"
    hub.ok("log", "level", before.split()[-1])
    rows = hub.audit(action="log.level")
    assert rows[0]["detail"]["after"] == "warn"


def test_cursor_of_another_hub(hub):
    """A cursor that this hub never gave is refused, not waited on for ever."""
    for cursor in ("nonsense", "MTo5OTk5OTk5OTk"):
        refused = hub.ctl("audit", "tail", "-f", "--cursor", cursor)
        assert refused.rc == 1 and "cursor" in refused.err


def test_the_head_of_the_audit_is_logged(new_hub):
    """The head of the chain goes to the log at the first commit and hourly: a copy outside the database."""
    hub = new_hub()
    hub.ok("party", "add", "IN-LOG", "--role", "CPO")
    row, mac = hub.wait_log(r"audit: the head is row (\d+), ([0-9a-f]{64})").groups()
    assert int(row) >= 1
    assert hub.one("audit", "verify")["ok"] is True and len(mac) == 64
