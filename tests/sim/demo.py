"""The demo: hubd on a fresh state, an account manager with hubctl, a CPO and an eMSP, one charge from end to end.

Prints every hubctl command and every OCPI message with its answer. Exit 0 only if every step held.
"""

import json
import os
import shlex
import signal
import sys
import threading
from contextlib import ExitStack

from tests.e2e.harness import BIN, ROOT, Follow, Hub, eventually, on_terminal
from tests.sim import Party, Platform, payloads
from tests.sim.wire import timestamp

WIDE = 150
BOLD, DIM, END = ("\x1b[1m", "\x1b[2m", "\x1b[0m") if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else ("", "", "")


def say(text=""):
    print(text, flush=True)


def short(data):
    text = data.decode(errors="replace") if isinstance(data, bytes) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= WIDE else f"{text[:WIDE]}… ({len(text)} bytes)"


LOOKS = {"list", "show", "status", "stats", "verify", "explain", "matrix"}  # they change nothing: asked twice they say the same


class TalkingHub(Hub):
    """A hub whose hubctl calls are shown with their answers, as a terminal shows them."""

    talks = False

    def ctl(self, *args, **options):
        result = super().ctl(*args, **options)
        if self.talks:
            say(f"  $ hubctl {shlex.join(map(str, args))}")
            shown = result.out + result.err
            if result.rc == 0 and not LOOKS.isdisjoint(args[:2]) and "--json" not in args:
                _, shown = on_terminal(self, *args, columns=WIDE, environment={} if BOLD else {"NO_COLOR": "1"})
            for line in shown.splitlines():
                say(f"    {line}")
        return result

    def quietly(self, function):
        """Runs a check whose hubctl calls are not worth showing."""
        talks, self.talks = self.talks, False
        try:
            return function()
        finally:
            self.talks = talks


class TalkingPlatform(Platform):
    """A platform whose requests to the hub, and what the hub asks of it, are shown."""

    def call(self, method, path, body=None, **options):
        answer = super().call(method, path, body, **options)
        target = path if path.startswith("/") else f"/ocpi/2.2.1/{path}"
        query = "&".join(f"{key}={value}" for key, value in (options.get("query") or {}).items())
        say(f"  {self.id} → hub  {BOLD}{method} {target}{'?' + query if query else ''}{END}")
        if body is not None:
            say(f"    {DIM}{short(body)}{END}")
        say(f"    ← HTTP {answer.status}  {short(answer.body)}")
        return answer

    def saw(self, method, pattern, where=None):
        """Waits for a message of the hub and shows it."""
        request = self.wait(method, pattern, where)
        sender, receiver = request.routing
        say(f"  hub → {self.id}  {BOLD}{request.method} {request.target}{END}  (from {sender or '-'} to {receiver or '-'})")
        if request.body:
            say(f"    {DIM}{short(request.body)}{END}")
        return request


def hold(condition, what):
    """A step of the path that must hold."""
    if not condition:
        raise AssertionError(what)
    say(f"  {BOLD}✓ {what}{END}")


def step(number, title):
    say(f"\n{BOLD}{number}. {title}{END}")


def register(hub, platform):
    token = hub.ok("token", "issue", platform.id).out.strip()
    platform.register(token)


def walk(hub, cpo, emsp, follow):
    """The path, steps 1 to 8."""
    step(1, "The account team registers two partners")
    hub.ok("party", "add", cpo.id, "--role", "CPO", "--name", cpo.party.name)
    hub.ok("party", "add", emsp.id, "--role", "EMSP", "--name", emsp.party.name)

    step(2, "Each platform does the credentials exchange with its initial token")
    for platform in (cpo, emsp):
        register(hub, platform)
        hold(platform.get("credentials").data["token"] == platform.hub_token, f"{platform.id} is registered")

    step(3, "Receivers are there, the rule is switched on")
    hub.ok("receiver", "list")
    hub.ok("receiver", "set", emsp.id, "sessions", emsp.url + "/ocpi/2.2.1/sessions/{country_code}/{party_id}/{session_id}")
    hub.ok("rule", "enable", emsp.id, cpo.id)
    hub.ok("rule", "matrix")
    info = emsp.get("hubclientinfo")
    hold([entry["status"] for entry in info.data] == ["CONNECTED", "CONNECTED"], "HubClientInfo shows both CONNECTED")

    step(4, "The CPO pushes a location and a tariff; the eMSP reads them")
    cpo.put("locations", payloads.location(cpo.party, last_updated=timestamp(-60)))
    cpo.put("tariffs", payloads.tariff(cpo.party))
    stamp = timestamp()
    cpo.patch("locations", "LOC001/EVSE001", {"status": "CHARGING", "last_updated": stamp})
    cpo.patch("locations", "LOC001/EVSE002/1", {"max_electric_power": 50000, "last_updated": stamp})
    page = emsp.get("locations", query={"limit": 1})
    location = page.data[0]
    hold(location["last_updated"] == stamp and location["evses"][0]["status"] == "CHARGING", "the eMSP sees the new status and its time")
    hold(len(emsp.get("tariffs").data) == 1, "and the tariff")
    hub.ok("rule", "disable", emsp.id, cpo.id)
    hold(emsp.get("locations").data == [], "without the rule nothing is visible")
    hub.ok("rule", "enable", emsp.id, cpo.id)

    step(5, "A driver is authorized in real time")
    answer = emsp.authorize("04A2B7C91D3E80", {"location_id": "LOC001"})
    cpo.saw("PUT", "/authorize$")
    hold(answer.data["allowed"] == "ALLOWED", "the CPO's answer came back")
    say("  the CPO goes down")
    cpo.down()
    hold(emsp.authorize("04A2B7C91D3E80", {"location_id": "LOC001"}).data["allowed"] == "UNKNOWN", "CPO down: UNKNOWN")
    cpo.up()

    step(6, "The driver starts and stops by app")
    emsp.command("START_SESSION", payloads.start_session(emsp.party))
    request = cpo.saw("POST", "/START_SESSION$")
    hold(request.json["response_url"].startswith(hub.url), "response_url is the hub's callback")
    say(f"  {cpo.id} → hub  POST {request.json['response_url'].rsplit('/', 1)[0]}/…  (no token)")
    hold(cpo.send_result(request, "ACCEPTED").status == 200, "the result is taken")
    hold(emsp.saw("POST", "/callbacks/").json == {"result": "ACCEPTED"}, "and delivered to the eMSP's response_url")

    step(7, "The session runs, ends, is billed; the eMSP is down meanwhile, and hubd is killed")
    cpo.put("sessions", payloads.session(cpo.party, emsp.party, last_updated=timestamp(-30)))
    emsp.saw("PUT", "/sessions/", lambda r: r.json["status"] == "ACTIVE")
    emsp.command("STOP_SESSION", {"session_id": "SES-1"})
    cpo.send_result(cpo.saw("POST", "/STOP_SESSION$"), "ACCEPTED")
    emsp.saw("POST", "/callbacks/.*2$")
    say("  the eMSP goes down")
    emsp.down()
    cpo.put("sessions", payloads.session(cpo.party, emsp.party, status="COMPLETED", kwh=21.35, end_date_time=timestamp()))
    cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party))
    hub.ok("delivery", "list")
    say("  kill -9 of hubd; it is started again; the eMSP comes back")
    hub.kill()
    emsp.up()
    hub.restart()
    emsp.saw("PUT", "/sessions/", lambda r: r.json["status"] == "COMPLETED")
    emsp.saw("POST", "/cdrs$")
    hub.quietly(lambda: eventually(lambda: not hub.rows("delivery", "list"), "nothing waits any more"))
    hold(True, "nothing that was acknowledged is lost")

    step(8, "What the account team sees")
    rows = hub.quietly(lambda: hub.wait_rows("audit", "tail", "-n", "1000", where=lambda row: row["module"] == "cdrs", what="the CDR in the audit"))
    follow.wait(lambda row: row["cursor"] == rows[-1]["cursor"], "the same row in the tail")
    shown = follow.journal.all()
    say("  $ hubctl audit tail -f    (running since the beginning, over the restart)")
    for row in shown:
        words = [row[key] for key in ("time", "actor", "action", "from", "to", "module", "method", "status") if row.get(key)]
        say("    " + "  ".join(map(str, words)))
    hold(hub.ok("audit", "verify").rc == 0, "the audit chain holds")
    hub.ok("delivery", "list", "--state", "delivered")
    hub.ok("status")


def hints(hub, cpo, emsp):
    """Lines that can be pasted into another terminal while the demo runs."""
    token = hub.directory / "emsp.token"
    token.touch(0o600)
    token.write_text(emsp.hub_token)
    curl = f"curl -s -H \"Authorization: Token $(cat {token})\""
    return f"""
{BOLD}It runs on until Ctrl-C. In another terminal:{END}

cd {ROOT} && export PATH="{BIN}:$PATH" HUBCTL_SOCKET={hub.socket}
hubctl status
hubctl party list
hubctl party check IN-ABC
hubctl rule explain IN-XYZ IN-ABC
hubctl export | hubctl diff -f -
hubctl audit tail -f
{curl} '{hub.url}/ocpi/2.2.1/locations?limit=1'
{curl} -X PUT {hub.url}/ocpi/2.2.1/tokens/IN/XYZ/04A2B7C91D3E80/authorize
# let the CPO answer rubbish, ask again, and set it right:
curl -s -X POST {cpo.url}/_sim/script -d '{{"path":"authorize","reply":{{"body":"rubbish"}},"forever":true}}'
{curl} -X PUT {hub.url}/ocpi/2.2.1/tokens/IN/XYZ/04A2B7C91D3E80/authorize
curl -s -X DELETE {cpo.url}/_sim/script
# a third partner, as a program of its own (ends with Ctrl-C):
hubctl party add IN-NEW --role CPO && hubctl token issue IN-NEW --out {hub.directory}/new.token
python3 -m tests.sim --party CPO:IN-NEW --hub {hub.url} --initial-token-file {hub.directory}/new.token
"""


def main():
    interactive = os.environ.get("DEMO_EXIT") != "1" and sys.stdin.isatty() and sys.stdout.isatty()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with ExitStack() as cleanup:
        hub = TalkingHub(log_level="info")
        cleanup.callback(hub.close)
        say(f"{BOLD}hubd{END} on a fresh state in {hub.directory}")
        hub.start()
        say(f"  $ {shlex.join(hub.arguments())}")
        cpo = TalkingPlatform(hub.url, Party.parse("IN-ABC", "CPO", "ABC Charging"))
        emsp = TalkingPlatform(hub.url, Party.parse("IN-XYZ", "EMSP", "XYZ Mobility"))
        hub.platforms += [cpo, emsp]
        follow = Follow(hub, "-n", "1000")  # from the first row on, whenever it gets connected
        cleanup.callback(follow.close)
        hub.talks = True
        try:
            walk(hub, cpo, emsp, follow)
        except AssertionError as error:
            say(f"\n{BOLD}✗ the demo does not hold:{END} {error}\n\nhubd's log:\n{hub.tail()}")
            return 1
        say(f"\n{BOLD}Every step held.{END}")
        if interactive:
            say(hints(hub, cpo, emsp))
            try:
                threading.Event().wait()
            except KeyboardInterrupt:
                say("\nThe end.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
