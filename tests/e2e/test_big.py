"""Answers that are large come whole, and cost hubctl little: in pages where they are lists, with room for what is one document."""

import json
import resource
import subprocess

from tests.e2e.fake import FakeHubd, result
from tests.e2e.harness import BIN, DEADLINE, SLOW, eventually, on_terminal
from tests.sim import payloads

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SIDE = 1001


def ids(letter, count):
    """All but the hub's own."""
    return [f"IN-{letter}{DIGITS[n // 36]}{DIGITS[n % 36]}" for n in range(count + 1) if DIGITS[n // 36] + DIGITS[n % 36] != "IH"][:count]


def peak_kib(hub, *words):
    """What hubctl took at most, its output thrown away."""
    script = "import resource, subprocess, sys; code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode; print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    done = subprocess.run(["/usr/bin/python3", "-c", script, BIN / "hubctl", "-s", hub.socket, *words], capture_output=True, text=True, timeout=8 * DEADLINE)
    code, most = done.stdout.split()
    assert code == "0", done.stderr
    return int(most)


def filled(hub, side):
    """A hub with so many eMSPs and CPOs, the first eMSP with all of the CPOs."""
    emsps, cpos = ids("E", side), ids("C", side)
    parties = [{"id": party, "roles": [role], "name": f"Name of {party}"} for role, all_of in (("EMSP", emsps), ("CPO", cpos)) for party in all_of]
    document = hub.directory / "big.json"
    document.write_text(json.dumps({"parties": parties, "rules": [{"emsp": emsps[0], "cpo": cpo, "state": "on"} for cpo in cpos]}))
    hub.ok("--timeout", "60s", "apply", "-f", document)
    return emsps, cpos


def test_a_matrix_of_a_million(new_hub):
    """Every pair once, in a pipe in constant memory; the grid on a terminal; parties and the document too."""
    hub = new_hub()
    emsps, cpos = filled(hub, SIDE)
    pairs = hub.ok("--timeout", "60s", "rule", "matrix").out.splitlines()
    assert len(pairs) == len(set(pairs)) == SIDE * SIDE
    assert sum(line.endswith("\ton") for line in pairs) == SIDE and f"{emsps[0]}\t{cpos[-1]}\ton" in pairs and f"{emsps[-1]}\t{cpos[0]}\toff" in pairs
    rows = hub.rows("--timeout", "60s", "rule", "matrix")
    assert [row["emsp"] for row in rows] == emsps and all(list(row["rules"]) == cpos for row in rows)
    assert [row["emsp"] for row in hub.rows("rule", "matrix", "--limit", "3")] == emsps[:3]
    if SLOW == 1:  # a sanitizer keeps what is freed
        assert peak_kib(hub, "rule", "matrix") < 3 * peak_kib(hub, "rule", "matrix", "--limit", "50")
    code, shown = on_terminal(hub, "--timeout", "60s", "--no-pager", "rule", "matrix", columns=400)
    assert code == 0 and f"{SIDE} eMSPs down, {SIDE} CPOs across" in shown
    assert len(hub.rows("party", "list")) == 2 * SIDE
    exported = json.loads(hub.ok("export").out)
    assert len(exported["parties"]) == 2 * SIDE and len(exported["rules"]) == SIDE
    assert hub.ctl("diff", "-f", "-", stdin=json.dumps(exported)).rc == 0


def test_a_document_of_more_values_than_a_partner_may_send():
    """export and what is one object have no pages."""
    document = {"rules": [{"emsp": "IN-XYZ", "cpo": f"IN-{n:03X}", "state": "on"} for n in range(200_000)]}
    with FakeHubd(lambda request: result(request, document)) as fake:
        shown = fake.ok("--timeout", "60s", "rpc", "export").out
        assert len(json.loads(shown)["rules"]) == 200_000


def test_an_object_of_4_mib(hub, pair):
    body = payloads.location(pair.cpo.party, "Big", x_vendor="v" * (4 * 1024 * 1024 - 20_000))
    assert pair.cpo.put("locations", body).outcome[1] == 1000
    assert json.loads(hub.ok("object", "show", "location", pair.cpo.id, "Big").out) == body


def test_longer_than_a_message_may_be():
    """It says so, and not that there is no hubd."""
    with FakeHubd(lambda request: result(request, {"rows": ["x" * (65 * 1024 * 1024)]})) as fake:
        refused = fake.ctl("--timeout", "60s", "party", "list")
        assert refused.rc == 3 and "too long" in refused.err
