"""The man pages: clean for both formatters, and in step with the tables that they are made from, row by row in both directions."""

import re
import shlex
import subprocess

import pytest

from tests.e2e.harness import BIN, DEADLINE, ROOT

PAGES = sorted((BIN.parent / "share" / "man").glob("man[1-8]/*"))
CONTROL = {"|", "||", "&&", ";", ">", "<", "&"}
INPUT = "{}\n"  # will do for a document and for a token
OWN_ANSWER = {"help", "completion"}  # hubctl answers these without hubd


def run(*words, **options):
    return subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE, **options)


def hubctl_help(*words):
    done = run(BIN / "hubctl", *words, "-h", env={"PAGER": "cat"})
    assert done.returncode == 0, done
    return done.stdout


def section(text, title):
    """The labels of one part of a help text: the first words of its entries."""
    _, _, rest = text.partition(f"\n{title}:\n")
    lines = rest.partition("\n\n")[0].splitlines()
    return [re.split(r"\s{2,}", line.strip())[0] for line in lines if re.match(r"  \S", line)]


class Page:
    """A finished page; `text` is its source with the escapes taken back."""

    def __init__(self, path):
        self.name = path.name
        source = path.read_text(encoding="ascii")  # every letter that is not has an escape
        self.lines = [re.sub(r"\\[&%:]", "", line).replace("\\-", "-").replace("\\(dq", '"').replace("\\e", "\\") for line in source.splitlines()]
        self.text = "\n".join(self.lines)

    def items(self, macro):
        """What the list items of that macro name."""
        return [word for line in self.lines if (match := re.match(rf"\.It {macro} (.*)", line)) for word in match[1].partition(" Pq")[0].split() if word != ","]

    def literal(self):
        """The lines of literal blocks."""
        inside = False
        for line in self.lines:
            if line.startswith((".Bd -literal", ".Ed")):
                inside = line.startswith(".Bd")
            elif inside:
                yield line

    def code(self):
        """What is set as something to be typed: literal blocks, .Li, bold words of the tables."""
        yield from self.literal()
        yield from (line[4:] for line in self.lines if line.startswith(".Li "))
        yield from re.findall(r"\\fB(.*?)\\fR", " ".join(self.lines))


@pytest.fixture(scope="module")
def pages():
    assert PAGES, f"no pages beside {BIN}"
    return {path.name: Page(path) for path in PAGES}


@pytest.fixture(scope="module")
def methods(hub):
    return hub.documented.methods


@pytest.fixture(scope="module")
def commands():
    """Every command of hubctl: its words, with its help text."""
    found = {}
    for noun in section(hubctl_help(), "Nouns"):
        verbs = section(hubctl_help(noun), "Commands")
        for verb in verbs or [None]:
            found[noun, verb] = hubctl_help(noun, *([verb] if verb else []))
    assert len(found) > 30
    return found


@pytest.fixture(scope="module")
def settings():
    names = re.findall(r"^#?(\w+) = ", run(BIN / "hubd", "--print-config", env={}).stdout, re.MULTILINE)
    assert len(names) > 40
    return names


def options_in(text):
    return set(re.findall(r"^  (?:-\w, )?--([a-z-]+)", text, re.MULTILINE))


# ---------------------------------------------------------------- the formatters


def test_mandoc_finds_nothing(pages):
    """`mandoc -T lint` has no word to say about any page."""
    done = run("mandoc", "-T", "lint", "-W", "warning", *PAGES)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("device", ["utf8", "ascii"])
def test_groff_finds_nothing(pages, device):
    """Nor has the formatter of most Linux systems, in any locale."""
    done = run("groff", "-mdoc", f"-T{device}", "-w", "w", "-z", *PAGES)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_rendered_as_it_is_typed(pages):
    """What is to be typed comes out so: dashes, quotes, backslashes and braces. The date is the source's, not the build's."""
    shown = {}
    dates = {line for path in (ROOT / "man").glob("*.[1-8]") for line in path.read_text().splitlines() if line.startswith(".Dd ")}
    for path in PAGES:
        shown[path.name] = re.sub(r".\x08", "", run("mandoc", "-T", "ascii", path).stdout)
        assert pages[path.name].lines[0] in dates
    assert 'hubctl party add IN-ABC --role CPO --name "ABC Charging"' in shown["hubctl-party.1"]
    assert "'https://abc.example/ocpi/cpo/2.2.1/commands/{command}'" in shown["hubctl-receiver.1"]
    assert r"as \t, \n, \\." in re.sub(r"\s+", " ", shown["hubctl.1"])
    assert "while read -r id; do ...; done" in shown["hubctl.1"]


# ---------------------------------------------------------------- hubctl's pages


def test_every_noun_has_a_page(pages, commands):
    """One page each and no page more; hubctl(1) lists all."""
    nouns = {noun for noun, _ in commands}
    assert {name for name in pages if name.startswith("hubctl-")} == {f"hubctl-{noun}.1" for noun in nouns}
    assert set(re.findall(r"^\.It Xr hubctl-(\S+) 1$", pages["hubctl.1"].text, re.MULTILINE)) == nouns


def test_every_command_is_in_its_page(pages, commands):
    """Command, arguments, options, fields and both examples; and nothing of these that the table has not."""
    for noun in {noun for noun, _ in commands}:
        page = pages[f"hubctl-{noun}.1"]
        own = {verb: text for (name, verb), text in commands.items() if name == noun}
        words = {" ".join(filter(None, (noun, verb))) for verb in own}
        assert {line[4:] for line in page.lines if line.startswith(".Ss ")} == words
        assert {line[4:] for line in page.lines if line.startswith(".Cm ")} >= words, noun
        arguments = {label for text in own.values() for label in section(text, "Arguments")}
        assert arguments <= set(page.items("Ar")), noun
        options = {label for text in own.values() for label in options_in(text)}
        assert set(re.findall(r"^\.It (?:Fl \w , )?Fl -(\S+)", page.text, re.MULTILINE)) == options, noun
        fields = {label for text in own.values() for label in section(text, "Fields (--json, --field)")}
        assert fields <= set(page.items("Va")), noun
        for text in own.values():
            examples = text.partition("\nExamples:\n")[2].partition("\n\n")[0].splitlines()
            assert len(examples) == 2 and {line.strip() for line in examples} <= set(page.literal()), noun


def fields_of(fields):
    for field in fields:
        yield field["name"]
        yield from fields_of(field.get("fields", ()))


def test_fields_are_those_of_the_answers(pages, methods):
    """What rpc.discover says of fields, those of sections included, is what a noun's page lists."""
    for noun in {noun for noun, _ in methods}:
        told = {name for (of, _), method in methods.items() if of == noun and method["result"] != "body" for name in fields_of(method["fields"])}
        assert set(pages[f"hubctl-{noun}.1"].items("Va")) - settings_in_prose(noun) == told, noun
    assert set(fields_of(methods["audit", "tail"]["fields"])) <= set(pages["hub-audit.5"].items("Va"))


def settings_in_prose(noun):
    """List items of the hand-written part are no fields."""
    prose = ROOT / "man" / "nouns" / f"{noun}.mdoc"
    return set(re.findall(r"^\.It Va (\w+)", prose.read_text(), re.MULTILINE)) if prose.exists() else set()


def test_global_options_and_topics(pages):
    """hubctl(1) has every global option, exit code and variable that hubctl itself explains."""
    page = pages["hubctl.1"]
    text = hubctl_help()
    options = options_in(text.partition("\nGlobal options:\n")[2])
    assert len(options) > 8 and set(re.findall(r"^\.It (?:Fl \w , )?Fl -([a-z-]+)", page.text, re.MULTILINE)) == options
    topics = re.search(r"hubctl help ([a-z|-]+)$", text, re.MULTILINE)[1].split("|")
    for topic in topics:
        shown = run(BIN / "hubctl", "help", topic).stdout.replace("…", "...")
        entries = re.findall(r"^  (\S.*?)  +\S", shown, re.MULTILINE) if topic != "scripting" else re.findall(r"^  (\S.*)$", shown, re.MULTILINE)
        listed = {line[7:].strip('"') for line in page.lines if line.startswith(".It Sy ")} | set(page.literal())
        assert entries and set(entries) <= listed, (topic, set(entries) - listed)


# ---------------------------------------------------------------- hubd's pages


def test_every_setting_is_in_the_page(pages, settings):
    """All settings in the table's order with their variable, and no other; hubd(8) has hubd's own options."""
    page = pages["hubd.conf.5"]
    assert page.items("Va") == settings
    assert re.findall(r"HUBD_[A-Z_]+[A-Z]", page.text) == [f"HUBD_{name.upper()}" for name in settings]
    own = options_in(run(BIN / "hubd", "-h").stdout.partition("\nsettings")[0])
    assert len(own) > 4 and set(re.findall(r"^\.It (?:Fl \w , )?Fl -([a-z-]+)", pages["hubd.8"].text, re.MULTILINE)) == own


def test_every_method_is_in_the_page(pages, methods):
    """hub-admin(7) has every method, parameter, type, form of result; and no method more."""
    page = pages["hub-admin.7"]
    assert page.items("Ic") == ["rpc.discover"] + [method["name"] for method in methods.values()]
    listed = re.split(r"^\.It Ic (?:\S+)$", page.text.partition(".Sh ERROR CODES")[0], flags=re.MULTILINE)[2:]
    for method, part in zip(methods.values(), listed):
        told = re.findall(r"^\.It Va (\S+) Pq (?:array of )?([a-z ]+)(, required)?$", part, re.MULTILINE)
        assert told == [(p["name"], p["type"], ", required" if p["required"] else "") for p in method["params"]], method["name"]
    types = {p["type"] for method in methods.values() for p in method["params"]} | {method["result"] for method in methods.values()}
    assert types <= {line[7:] for line in page.lines if line.startswith(".It Sy ")}


HANDLERS = re.compile(r'\{"[a-z.]+", admin_\w+\}')


def test_every_audit_action_is_in_the_page(pages, methods):
    """What occurs in hubd as an action is explained in hub-audit(5), and what is explained occurs."""
    sources = [path for folder in ("hubd", "lib/store") for path in (ROOT / folder).rglob("*.c")]
    lines = [line for path in sources for line in path.read_text().splitlines() if "ROUTE_AUDIT_NONE" not in line and not line.startswith("#include")]
    literals = set(re.findall(r'"([a-z]+(?:\.[a-z_]+)?)"', HANDLERS.sub("", "\n".join(lines))))
    listed = pages["hub-audit.5"].items("Ic")
    assert len(listed) == len(set(listed)) and set(listed) <= literals, set(listed) - literals
    of_trace = set(re.findall(r'"([a-z]+\.[a-z_]+)"', (ROOT / "hubd" / "admin" / "trace.c").read_text()))
    actions = {word for word in literals if re.fullmatch(r"[a-z]{4,}\.[a-z_]{3,}", word)} - of_trace
    assert len(actions) > 50 and actions <= set(listed), actions - set(listed)


# ---------------------------------------------------------------- hub-ocpi(7)


def test_every_route_and_answer_is_in_the_page(pages):
    """What a partner can call, and each way a request ends: as the router and the table of replies have them, and no more."""
    page = pages["hub-ocpi.7"]
    rows = re.findall(r'^    \{\w+, \w+, ([A-Z]+), ("[^,]+), ROUTE_', (ROOT / "hubd" / "modules" / "routes.c").read_text(), re.MULTILINE)
    paths = [(method, "/ocpi/" + re.sub('" OWNER(?: ")?', "{country_code}/{party_id}", path).replace('"', "")) for method, path in rows]
    told = re.findall(r"^\.It Li (\w+) Pq .*\n\\fB(\S+)\\fR$", page.text, re.MULTILINE)
    assert len(paths) > 40 and sorted(told) == sorted(paths)
    replies = re.findall(r"^    \[REPLY_\w+\] =\s+\{(\d+), ", (ROOT / "hubd" / "request" / "answer.c").read_text(), re.MULTILINE)
    assert len(replies) > 15 and re.findall(r"^\.It HTTP (\d+) , \d+$", page.text, re.MULTILINE) == replies


ROUTE_LINES = re.compile(r"^\.It Li GET Pq (.*)\n\\fB/ocpi/2\.2\.1/(\S+)\\fR$", re.MULTILINE)


def test_what_a_setting_opens_is_told_by_role(pages):
    """A path that one role may always GET and another one only with emsp_backfill has a line for each of them."""
    told = [(who, path) for who, path in ROUTE_LINES.findall(pages["hub-ocpi.7"].text) if path.startswith(("sessions", "cdrs"))]
    backfill = "EMSP; only while emsp_backfill is on"
    owned = "{country_code}/{party_id}"
    assert told == [
        (backfill, "sessions"), (backfill, f"sessions/{owned}/{{session_id}}"), ("CPO", f"sessions/{owned}/{{session_id}}"),
        (backfill, "cdrs"), (backfill, f"cdrs/{owned}/{{cdr_id}}"), ("CPO", f"cdrs/{owned}/{{cdr_id}}"),
    ]  # fmt: skip


def test_every_endpoint_of_a_partner_is_in_the_page(pages):
    """By role what the hub calls and what it cannot do without: as its table of interfaces has them, and no more."""
    source = (ROOT / "hubd" / "registry" / "interfaces.c").read_text()
    rows = re.findall(r"^    \{([A-Z| ]+), ([A-Z| ]+), OCPI_MODULE_(\w+),((?:[^{}]|\{\w+\})*)\},$", source, re.MULTILINE)
    part = pages["hub-ocpi.7"].text.partition(".Sh ENDPOINTS OF A PARTNER")[2].partition(".Sh ")[0]
    lists = re.findall(r"^\.Bl .*\n((?:.*\n)*?)\.El$", part, re.MULTILINE)
    assert len(rows) == 15 and len(lists) == 3
    for role, items in zip(("CPO", "EMSP", "SCSP"), lists):
        wanted = [
            (module.lower(), ("either" if "|" in interfaces else interfaces) + ("" if rest.endswith(" NULL") else ", needed"))
            for roles, interfaces, module, rest in rows if role in roles.split(" | ") or roles == "ALL"
        ]  # fmt: skip
        assert re.findall(r"^\.It Li (\w+) Pq (.*)$", items, re.MULTILINE) == wanted
        assert len(re.findall(r"^Without it .*\.$", items, re.MULTILINE)) == sum("needed" in form for _, form in wanted)
    assert part.count("needed\n") == 4


def test_essential_fields_are_in_the_page(pages):
    """Each field of which a unit test says that it refuses the object (tests/unit/test_ocpi_objects.c), below an object of the page."""
    fields = re.findall(r'^    \{"(\w+)",\s+((?:"[a-z_ ]+"\s*)+)\}', (ROOT / "tests" / "unit" / "test_ocpi_objects.c").read_text(), re.MULTILINE)
    wanted = {field for _, text in fields for field in text.replace('"', "").split()}
    part = pages["hub-ocpi.7"].text.partition(".Sh VALIDATION")[2].partition(".Sh PAGINATION")[0]
    told = {path.rpartition(".")[2] for path in re.findall(r"\\fB([\w.\[\]]+)\\fR", part)}
    assert len(wanted) > 20 and told == wanted, told ^ wanted


def test_pages_lead_to_the_contract(pages):
    """SEE ALSO of every other page has it."""
    for page in pages.values():
        assert page.name == "hub-ocpi.7" or "Xr hub-ocpi 7" in page.text.partition(".Sh SEE ALSO")[2], page.name


# ---------------------------------------------------------------- everything that a page names is there


def test_named_commands_exist(pages, commands):
    """Each `hubctl NOUN VERB` in something to be typed."""
    found = 0
    for page in pages.values():
        for code in page.code():
            for noun, verb in re.findall(r"\bhubctl ([a-z]+)(?: ([a-z]+))?", code):
                assert (noun, None) in commands or (noun, verb) in commands, (page.name, code)
                found += 1
    assert found > 100


def test_named_options_exist(pages, commands, settings):
    """Each --option, wherever it stands."""
    known = {label for text in commands.values() for label in options_in(text)} | options_in(hubctl_help()) | set(settings)
    known |= options_in(run(BIN / "hubd", "-h").stdout)
    for page in pages.values():
        named = set(re.findall(r"(?<![\w-])--([a-z][a-z_-]*)", page.text)) | set(re.findall(r"\bFl -([a-z][a-z_-]*)", page.text))
        assert named - {"setting", "name", "date"} <= known, (page.name, named - known)


def test_named_settings_exist(pages, settings, methods):
    """Each HUBD_VARIABLE, and each name in a page that is written like a setting."""
    known = set(settings) | {name for method in methods.values() for name in fields_of(method["fields"])}
    known |= {param["name"] for method in methods.values() for param in method["params"]} | {"status_code", "response_url"}
    for page in pages.values():
        assert {name.lower() for name in re.findall(r"\bHUBD_([A-Z_]+[A-Z])", page.text)} <= set(settings), page.name
        named = {word for line in page.lines if line.startswith(".Va ") for word in re.findall(r"[a-z]+_[a-z_]+", line)}
        assert named - {"unknown_fields"} <= known, (page.name, named - known)


def test_references_are_pages(pages):
    """Each .Xr to a page of this project is one."""
    for page in pages.values():
        for name, number in re.findall(r"^\.(?:It )?Xr (hub\S*) (\d)", page.text, re.MULTILINE):
            assert f"{name}.{number}" in pages, (page.name, name)


def commands_in(line):
    """The words of each hubctl call in a shell line."""
    lexer = shlex.shlex(re.sub(r"\$\([^)]*\)", "word", line), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    words = []
    for word in [*lexer, ";"]:
        if word in CONTROL or word == "#":
            if words[:1] == ["hubctl"]:
                yield words[1:]
            words = []
        else:
            words.append(word)


def test_examples_parse(pages, tmp_path):
    """Every example is a command line that hubctl understands: it goes on to look for hubd, and finds none."""
    calls = {tuple(words): line for page in pages.values() for line in page.literal() if "hubctl " in line and not line.startswith("{") for words in commands_in(line)}
    assert len(calls) > 70
    for words, line in calls.items():
        for word in words:
            if re.fullmatch(r"[\w-]+\.(token|json|txt|cursor)", word) and "--out" not in words:
                (tmp_path / word).write_text(INPUT)
        done = run(BIN / "hubctl", "-s", tmp_path / "nothing", *words, cwd=tmp_path, input=INPUT)
        of_input = "hubctl: stdin:" in done.stderr  # what it does not like is the input, not the line
        assert done.returncode == (0 if words[0] in OWN_ANSWER else 3) or of_input, (line, done.stderr)


def test_generator_refuses_what_is_not_there(tmp_path):
    """A slip in a source stops the build and says where."""
    generator = BIN.parent / "man" / "manpages"
    source = tmp_path / "hubd.8"
    for text, said in (("@setings\n", "has no part of that name: setings"), (".Sh NAME\n@synopsis prty\n", ":2: there is nothing of that name: prty")):
        source.write_text(text)
        done = run(generator, tmp_path / "out", source)
        assert done.returncode == 1 and said in done.stderr, done
    (tmp_path / "prty.mdoc").write_text("")
    done = run(generator, tmp_path / "out", tmp_path / "prty.mdoc")
    assert done.returncode == 1 and "hubctl has no noun prty" in done.stderr, done
