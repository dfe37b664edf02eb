"""What a terminal of 40, 80 and 200 columns is shown, as recorded in screens/. HUB_RECORD=1 records anew: look at the difference."""

import os
import re
from pathlib import Path

import pytest

from tests.e2e.fake import FakeHubd, result
from tests.e2e.harness import Hub, eventually, on_terminal
from tests.e2e.test_hubctl import plain
from tests.sim import payloads

SCREENS = Path(__file__).parent / "screens"
WIDTHS = [40, 80, 200]
INDIA = {"TZ": "IST-5:30"}

# What differs from run to run, in the same width.
MOMENTS = [
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\+05:30|Z)", r"2026-01-31 12:00:00\1"),
    (r"\b\d\d:\d\d:\d\d(?=\+05:30)", "12:00:00"),  # of today
    (r"[ \d]\d s\b", " 0 s"),  # ages
    (r"(?<=127\.0\.0\.1:)\d+", lambda port: "12345"[: len(port[0])]),
    (r"\b[0-9a-f]{8}\b", "0123abcd"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "01234567-89ab-cdef-0123-456789abcdef"),
]


def screen(hub, *words, columns, **environment):
    """What a person sees: no colours; of a real hub with the moment of the run taken out."""
    rc, shown = on_terminal(hub, *words, columns=columns, environment={**INDIA, **environment})
    shown = plain(shown)
    for pattern, steady in MOMENTS if isinstance(hub, Hub) else []:
        shown = re.sub(pattern, steady, shown)
    assert rc == 0, shown
    return shown


def check(name, columns, shown):
    file = SCREENS / f"{name}.{columns}.txt"
    if os.environ.get("HUB_RECORD"):
        SCREENS.mkdir(exist_ok=True)
        file.write_text(shown)
    assert shown == file.read_text(), f"not what is recorded in {file.name}"


def widest(shown):
    return max(len(line) for line in shown.splitlines())


@pytest.fixture(scope="module")
def hub_settings():
    return {"retry_initial": "1h", "retry_max": "1h", "probe_interval": "1h"}


@pytest.fixture(scope="module")
def scene(hub):
    """Two CPOs and three eMSPs; some rules; a CDR that its receiver does not take, a session that is held."""
    _, cpo, emsp = hub.pair()
    _, other, second = hub.pair()
    third = hub.onboard("EMSP")
    hub.rule(second, cpo)
    hub.rule(second, other, "disable", "--drain")
    hub.ok("party", "set", cpo.id, "--name", "Asha Charging and Parking of Greater Bengaluru Limited", "--website", "https://asha.example")
    hub.ok("party", "suspend", other.id, "--reason", "invoice 17 is open")
    emsp.down()
    cpo.call("POST", "cdrs", payloads.cdr(cpo.party, emsp.party, "CDR-2026-01-31-0000000000000000001"))
    cpo.put("sessions", payloads.session(cpo.party, third.party, "HELD"))
    hub.wait_rows("delivery", "list", where=lambda row: row["attempts"] == 1, what="a failed attempt")
    hub.wait_rows("delivery", "list", where=lambda row: row["state"] == "held", what="a held delivery")
    eventually(lambda: len(hub.rows("delivery", "list")) == 2, "nothing else is under way")
    return cpo, emsp


@pytest.mark.parametrize("columns", WIDTHS)
def test_party_list(hub, scene, columns):
    """A table that fits: the names are cut first, then what is only for wide terminals goes."""
    shown = screen(hub, "party", "list", columns=columns)
    check("party-list", columns, shown)
    assert widest(shown) <= columns and "SUSPENDED" in shown


@pytest.mark.parametrize("columns", WIDTHS)
def test_party_show(hub, scene, columns):
    """One card; its tables fit too."""
    shown = screen(hub, "party", "show", scene[0].id, columns=columns)
    check("party-show", columns, shown)
    assert "Asha Charging and Parking of Greater Bengaluru Limited" in shown, "a card leaves nothing out"


@pytest.mark.parametrize("columns", WIDTHS)
def test_delivery_list(hub, scene, columns):
    """A line each where that is possible; on a narrow terminal a record each, whole."""
    shown = screen(hub, "delivery", "list", columns=columns)
    check("delivery-list", columns, shown)
    assert columns == 40 or widest(shown) <= columns
    assert ("CDR-2026-01-31-0000000000000000001" in shown) == (columns != 80)


@pytest.mark.parametrize("columns", WIDTHS)
def test_small_matrix(hub, scene, columns):
    """Ids as they are read."""
    shown = screen(hub, "rule", "matrix", columns=columns)
    check("matrix-small", columns, shown)
    assert widest(shown) <= columns


@pytest.mark.parametrize("columns", WIDTHS)
def test_status(hub, scene, columns):
    """Its content is not recorded; it begins with what needs attention, whatever the width."""
    shown = screen(hub, "status", columns=columns)
    assert "SUSPENDED" in shown and hub.url.rsplit(":", 1)[0] in shown


TRACE = [
    {"time": "2026-01-31T06:30:00.000Z", "offset_ms": 0, "from": "IN-E01", "to": "IN-CIH", "method": "PUT", "module": "tokens",
     "action": "token.authorize", "status": "1000", "latency_ms": 31},
    {"time": "2026-01-31T06:30:00.002Z", "offset_ms": 2, "from": "IN-CIH", "to": "IN-C00", "method": "PUT", "module": "tokens",
     "action": "token.authorize", "status": "1000", "latency_ms": 27, "note": "HTTP 200"},
    {"time": "2026-01-31T06:31:02.500Z", "offset_ms": 62500, "from": "IN-C00", "to": "IN-CIH", "method": "PUT", "module": "sessions",
     "action": "session.put", "status": "1000", "latency_ms": 3, "object": "SES-1"},
    {"time": "2026-02-01T07:00:00.000Z", "offset_ms": 88200000, "from": "IN-CIH", "to": "IN-E01", "method": "PUT", "module": "sessions",
     "action": "delivery.try", "status": "3000", "latency_ms": 1204, "note": "HTTP 503: the receiver is being repaired, try again later"},
]  # fmt: skip


@pytest.mark.parametrize("columns", WIDTHS)
def test_trace(columns):
    """One time line: how long after the first leg each began."""
    with FakeHubd(lambda request: result(request, {"rows": TRACE})) as fake:
        shown = screen(fake, "trace", "c-1", columns=columns)
    check("trace", columns, shown)
    assert columns == 40 or widest(shown) <= columns


def ids(letter, count):
    return [f"IN-{letter}{number:02d}" for number in range(count)]


def matrix_of(cpos, emsps):
    states = ["on", "off", "off", "drain", "off"]
    rows = [{"emsp": emsp, "rules": {cpo: states[(3 * y + 2 * x) % 5] for x, cpo in enumerate(cpos)}} for y, emsp in enumerate(emsps)]
    return {"cpos": cpos, "rows": rows}


def read_matrix(shown):
    """The grid as a person reads it: finds the column under each upright heading. {(emsp, cpo): sign}"""
    found, heading, columns = {}, [], {}
    for line in shown.splitlines():
        row = re.match(r"(IN-E\d\d)( .*)", line)
        if row is None:
            heading = [] if not line else heading + [line]
            continue
        if heading:
            prefix = heading[0].split()[0]
            width = max(map(len, heading))
            upright = list(zip(*(text.ljust(width)[len(row[1]) :] for text in heading)))
            columns = {at: prefix + "".join(letters).strip() for at, letters in enumerate(upright) if "".join(letters).strip()}
            heading = []
        for at, cpo in columns.items():
            assert (row[1], cpo) not in found
            found[row[1], cpo] = row[2][at]
    return found


@pytest.mark.parametrize("columns", WIDTHS)
def test_large_matrix(columns):
    """Forty by forty: blocks that fit, ids over every block and again every twenty eMSPs at the latest; every state under its CPO."""
    wanted = matrix_of(ids("C", 40), ids("E", 40))
    with FakeHubd(lambda request: result(request, wanted)) as fake:
        shown = screen(fake, "rule", "matrix", columns=columns)
    check("matrix-large", columns, shown)
    assert widest(shown) <= columns
    lines = shown.splitlines()
    headings = [at for at, line in enumerate(lines) if line.lstrip().startswith("IN- ")]
    assert max(after - before for before, after in zip(headings, headings[1:])) <= 24, "a heading is never off the screen"
    signs = {"on": "x", "drain": "d", "off": "."}
    assert read_matrix(shown) == {(row["emsp"], cpo): signs[state] for row in wanted["rows"] for cpo, state in row["rules"].items()}


def test_matrix_of_other_ids():
    """Ids without a common beginning, with roles behind them, one CPO, none at all."""
    odd = {"cpos": ["IN-ABC:CPO", "NL-X"], "rows": [{"emsp": "DE-XYZ:EMSP", "rules": {"IN-ABC:CPO": "on", "NL-X": "off"}}]}
    with FakeHubd(lambda request: result(request, odd)) as fake:
        shown = screen(fake, "rule", "matrix", columns=20).splitlines()
    assert [line[12] for line in shown[:10]] == list("IN-ABC:CPO") and [line[14:15] for line in shown[6:10]] == list("NL-X")
    assert shown[10] == "DE-XYZ:EMSP x ."
    for nothing in ({"cpos": [], "rows": []}, {"cpos": ["IN-ABC"], "rows": []}, {"cpos": [], "rows": [{"emsp": "IN-XYZ", "rules": {}}]}):
        with FakeHubd(lambda request, nothing=nothing: result(request, nothing)) as fake:
            assert "no pair of an eMSP and a CPO yet" in screen(fake, "rule", "matrix", columns=80)


def test_colour_says_nothing_alone(hub, scene):
    """With colours off the same words and signs are there."""
    for words in (["party", "list"], ["rule", "matrix"], ["delivery", "list"]):
        coloured, bare = on_terminal(hub, *words)[1], on_terminal(hub, *words, environment={"NO_COLOR": "1"})[1]
        assert "\x1b[" in coloured and "\x1b[" not in bare and plain(coloured).split() == bare.split(), words


def test_times(hub, scene):
    """Local time with its offset on a terminal, UTC with --utc; in a pipe always RFC 3339 in UTC."""
    for zone, offset in (("IST-5:30", "+05:30"), ("NST3:30", "-03:30"), ("UTC0", "+00:00")):
        shown = on_terminal(hub, "party", "show", hub.rows("party", "list")[0]["id"], environment={"TZ": zone})[1]
        assert re.search(rf"^REGISTERED +\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d{re.escape(offset)}$", shown, re.M), shown
        shown = on_terminal(hub, "--utc", "party", "show", hub.rows("party", "list")[0]["id"], environment={"TZ": zone})[1]
        assert re.search(r"^REGISTERED +\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$", shown, re.M), shown
    moment = {"created": "2026-01-31T20:00:00.000Z", "id": 1}
    with FakeHubd(lambda request: result(request, {"rows": [moment]})) as fake:
        assert "2026-02-01 01:30:00+05:30" in on_terminal(fake, "delivery", "list", environment=INDIA)[1]
        assert moment["created"] in fake.ok("delivery", "list").out


def test_widths_of_many_kinds():
    """Wide letters, combining ones, nothing, an empty list: columns stay columns, nothing is cut inside a letter."""
    rows = [
        {"id": "IN-AAA", "roles": [], "name": "日本" * 30, "status": "PLANNED"},
        {"id": "IN-BBB", "roles": ["CPO", "EMSP"], "name": "e\u0301" * 60, "status": "CONNECTED"},
        {"id": "IN-CCC", "roles": ["CPO"], "name": None, "status": "OFFLINE"},
    ]
    with FakeHubd(lambda request: result(request, {"rows": rows})) as fake:
        shown = screen(fake, "party", "list", columns=60).splitlines()
    assert [line.split()[-1] for line in shown] == ["STATUS", "PLANNED", "CONNECTED", "OFFLINE"]
    names = [line.split()[-2] for line in shown]
    assert re.fullmatch("(日本)+日?…", names[1]) and re.fullmatch("(e\u0301)+…", names[2]) and names[3] == "-"
