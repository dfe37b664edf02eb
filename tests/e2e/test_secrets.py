"""Tokens and callback secrets appear nowhere but where they belong: not in logs, audit, hubctl's output, `ps` or the database."""

import base64
from pathlib import Path

import pytest

from tests.e2e.harness import Hub, forms
from tests.sim import Reply, payloads


@pytest.fixture(scope="module")
def story():
    """A hub that has been through everything that touches secrets; yields it with all secrets by name, some of them dead."""
    with Hub(log_level="debug") as hub:
        secrets = {}
        cpo, emsp = hub.add(hub.platform("CPO")), hub.add(hub.platform("EMSP", encodings={"raw"}, sends="raw"))
        for platform in (cpo, emsp):
            name = platform.party.role
            secrets[f"{name} initial token"] = hub.issue(platform.id)
            platform.register(secrets[f"{name} initial token"])
            secrets[f"{name} hub token"], secrets[f"{name} partner token"] = platform.hub_token, platform.token
        hub.rule(emsp, cpo)
        cpo.put_credentials(new_token="rotated-token-of-the-partner-0001")
        secrets["rotated hub token"], secrets["rotated partner token"] = cpo.hub_token, cpo.token
        begun, secrets["invitation"] = hub.invited("EMSP")
        begun.script("POST", "/credentials$", lambda request: Reply(code=2001, message=f"refused: {request.json['token']}"), forever=True)
        hub.connect(begun, secrets["invitation"], rc=1)
        begun.unscript()
        secrets["hub token of a refused POST"] = begun.received("POST", "/credentials$")[0].json["token"]
        hub.connect(begun, secrets["invitation"])
        secrets["hub token of the POST"], secrets["partner token of the answer"] = begun.hub_token, begun.token
        begun.renews = True
        hub.ok("token", "rotate", begun.id)
        secrets["hub token of the PUT"], secrets["renewed partner token"] = begun.hub_token, begun.token
        begun.script("GET", "^/ocpi/2.2.1$", Reply(data={"version": begun.token, "endpoints": []}))
        begun.put_credentials()
        unused = hub.platform("CPO")
        hub.add(unused)
        secrets["unused initial token"] = hub.issue(unused.id)
        # Failures like to print what they were given.
        secrets["unknown token"] = "unknown-token-that-somebody-tried-1"
        emsp.get("locations", token=secrets["unknown token"])
        unused.call("POST", "credentials", '{"token": "token-in-broken-json-0001", ', token=secrets["unused initial token"])
        secrets["token in broken JSON"] = "token-in-broken-json-0001"
        unused.post_credentials(secrets["unused initial token"], token="token-that-was-refused-0001", roles=[])
        secrets["refused partner token"] = "token-that-was-refused-0001"
        cpo.script("PUT", "/authorize$", Reply(drop="reset"), Reply(http=401, code=2002), Reply(http=401, code=2002), Reply(body=b"rubbish"))
        for _ in range(5):
            emsp.authorize("T1")
        emsp.script("PUT", "/sessions/", Reply(http=500, code=3000), Reply(http=401, code=2002))
        cpo.put("sessions", payloads.session(cpo.party, emsp.party))
        emsp.wait("PUT", "/sessions/", count=3)
        emsp.command("START_SESSION", payloads.start_session(emsp.party))
        callback = cpo.wait("POST", "/commands/").json["response_url"]
        secrets["callback"] = callback.rsplit("/", 1)[1]
        cpo.send_result(cpo.received("POST", "/commands/")[0], "ACCEPTED")
        emsp.wait("POST", "/callbacks/")
        # … and partners to say what they were shown.
        said = len(emsp.received("PUT", "/sessions/"))
        emsp.script("PUT", "/sessions/", says_what_it_was_shown(401, 2002), says_what_it_was_shown(200, 2001))
        cpo.put("sessions", payloads.session(cpo.party, emsp.party, "ECHO"))
        emsp.wait("PUT", "/sessions/", count=said + 2)
        emsp.script("POST", "/cdrs$", says_what_it_was_shown(400, 2001), forever=True)
        cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party))
        hub.wait_rows("delivery", "list", "--state", "all", where=lambda row: "..." in (row["last_error"] or ""), what="the refusal is kept")
        cpo.script("PUT", "/authorize$", says_what_it_was_shown(422, 2001))
        emsp.authorize("T1")
        cpo.script("PUT", "/tokens/", says_what_it_was_shown(401, 2002), says_what_it_was_shown(401, 2002))
        emsp.put("tokens", payloads.token(emsp.party), "TOKEN-1")
        cpo.wait("PUT", "/tokens/", count=2)
        yield hub, secrets


def says_what_it_was_shown(http, code):
    """An error that tells the Authorization header, in its sentence and beside it, as it came and decoded."""

    def reply(request):
        shown = request.headers["authorization"].split()[1]
        return Reply(http=http, code=code, message=f"bad token ['Token {shown}']", data={"headers": {"authorization": f"Token {shown}"}, "raw": decoded(shown)})

    return reply


def decoded(shown):
    try:
        return base64.b64decode(shown, validate=True).decode()
    except ValueError:
        return shown


def leaks(content, secrets):
    """Names of the secrets that stand in these bytes, raw or in Base64."""
    data = content.encode() if isinstance(content, str) else content
    return [name for name, secret in secrets.items() if any(form in data for form in forms(secret))]


def test_log(story):
    """stderr at log_level debug."""
    hub, secrets = story
    assert hub.stderr(), "there is a log to look at"
    assert leaks(hub.stderr(), secrets) == []


@pytest.mark.parametrize(
    "words",
    [
        "audit tail -n 100000", "party list", "token list", "receiver list", "rule list", "delivery list --state all", "command list",
        "status", "conf show",
    ],
)  # fmt: skip
def test_hubctl(story, words):
    """Lists and streams, for scripts and for people."""
    hub, secrets = story
    for options in ([], ["--json"]):
        shown = hub.ok(*options, *words.split())
        assert shown.out and leaks(shown.out + shown.err, secrets) == [], words


def test_hubctl_cards(story):
    """What shows one thing in detail."""
    hub, secrets = story
    cards = [["party", "show", row["id"]] for row in hub.rows("party", "list")]
    cards += [["delivery", "show", row["id"]] for row in hub.rows("delivery", "list", "--state", "all")]
    cards += [["command", "show", row["id"]] for row in hub.rows("command", "list")]
    assert len(cards) >= 5
    for words in cards:
        shown = hub.ok("--json", *words)
        assert leaks(shown.out + shown.err, secrets) == [], words


def test_process_listing(story):
    """`ps`: command line and environment of hubd."""
    hub, secrets = story
    for name in ("cmdline", "environ"):
        assert leaks(Path(f"/proc/{hub.process.pid}/{name}").read_bytes(), secrets) == [], name


def test_database(story):
    """The files of the state directory, byte for byte: hub tokens only as hashes, partner tokens encrypted."""
    hub, secrets = story
    files = [path for path in (hub.directory / "state").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) > 10_000
    for path in files:
        assert leaks(path.read_bytes(), secrets) == [], path


def test_tokens_are_no_arguments(story):
    """A token on hubctl's command line is a usage error that does not repeat it."""
    hub, secrets = story
    secret = secrets["CPO partner token"]
    wrong = hub.ctl("party", "set", "IN-C0", "--token", secret)
    assert wrong.rc == 2 and leaks(wrong.out + wrong.err, secrets) == [], wrong


def test_it_would_be_found(story):
    """The search itself works: where the tokens must be, they are found."""
    _, secrets = story
    assert leaks("x".join(secrets.values()), secrets) == list(secrets)
