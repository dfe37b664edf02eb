#!/usr/bin/python3
"""What the folders promise: which room may include which, whose names a room exports, that a struct's name means one thing, and
that a callback checks its context.

`tests/rules` calls it; tests/tree.py says how it prints.
"""

import os
import re

from tree import listed, place, tell

# Rooms from below to above, and what each may include. A library knows no program; the tool knows no OCPI; in hubd arrows only
# go up this list's left column, never down: who is above may name who is below.
ARROWS = {
    "lib/base": "",
    "lib/json": "lib/base",
    "lib/conf": "lib/base",
    "lib/ctl": "lib/base lib/json",
    "lib/ocpi": "lib/base lib/json",
    "lib/http": "lib/base",
    "lib/store": "lib/base",
    "lib/store/sqlite": "lib/base lib/store",
    "hubctl": "lib/base lib/ctl lib/json",
    "man": "lib/base lib/conf lib/ctl lib/ocpi hubctl hubd/base hubd/registry hubd/request hubd/top",
    "hubd/loop": "lib/",  # loop.h, descriptors.h: what needs nothing of the hub
    "hubd/registry": "lib/ hubd/loop",
    "hubd/base": "lib/ hubd/loop hubd/registry",  # hub.h and what counts for all: clock.h, traffic.h
    "hubd/calls": "lib/ hubd/base hubd/registry",
    "hubd/outbox": "lib/ hubd/base hubd/calls hubd/registry",
    "hubd/request": "lib/ hubd/base hubd/loop hubd/calls hubd/registry",
    "hubd/messages": "lib/ hubd/base hubd/loop hubd/calls hubd/outbox hubd/registry hubd/request",
    "hubd/partners": "lib/ hubd/base hubd/calls hubd/outbox hubd/registry",
    "hubd/modules": "lib/ hubd/calls hubd/messages hubd/outbox hubd/partners hubd/registry hubd/request",
    "hubd/admin": "lib/ hubd/base hubd/calls hubd/messages hubd/outbox hubd/partners hubd/registry hubd/request",
    "hubd/admin/check": "lib/ hubd/admin hubd/calls hubd/outbox hubd/partners hubd/registry hubd/request",
    "hubd/admin/connect": "lib/ hubd/admin hubd/admin/check hubd/calls hubd/partners",
    "hubd/admin/declare": "lib/ hubd/admin hubd/outbox",
    "hubd/top": "lib/ hubd/base hubd/loop hubd/admin hubd/messages hubd/outbox hubd/partners hubd/registry hubd/request",
}
# hubd's own folder holds three rooms: what all stand on, what everybody holds, and what puts it together.
HUBD = {"loop": "hubd/loop", "descriptors": "hubd/loop", "hub": "hubd/base", "clock": "hubd/base", "traffic": "hubd/base"}

# The words that a room's exported names may begin with; else the name of the file, or of its folder.
WORDS = {
    "lib/base": None,  # each header has its own
    "lib/json": "json",
    "lib/conf": "conf",
    "lib/ctl": "ctl",
    "lib/ocpi": "ocpi",
    "lib/http": "http server client resolver url",
    "lib/store": "store audit",
    "lib/store/sqlite": "sqlite sql apply read writer reader page moments summary migrate store audit",
    "hubctl": None,
    "man": None,
    "hubd/top": "hub main",
    "hubd/modules": "locations credentials commands sessions routes",
    "hubd/request": "request limits lines",
    "hubd/admin/check": "admin",
    "hubd/admin/connect": "admin",
    "hubd/admin/declare": "admin",
    "hubd/outbox": "outbox",
}

# What a breach of each rule is called.
ARROW = "an arrow that no room may draw (tests/structure.py)"
CONTEXT = "a callback's context that is not checked"
MODULE = "a module's name spelled outside lib/ocpi/modules.h"
EXPORT = "an exported name without its room's word"
NUMBER = "a magic number that is not one struct's own"
SAME_STATIC = "a static function of one name in many files"
SAME_TAG = "one name for several structs"
TITLES = (ARROW, CONTEXT, MODULE, EXPORT, NUMBER, SAME_STATIC, SAME_TAG)

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<((?:hubd|hubctl|lib|man)/[^>]+)>)', re.M)
FUNCTION = re.compile(r"^(?!static\b|typedef\b|return\b|else\b|goto\b|extern\b)[a-z][\w \t]*?[ \*](\w+)\((?!\*)[^;{]*?\)\s*(?:__attribute__\(\([^{;]*\)\)\s*)?\{", re.M)
# A variable of a file: what stands in the first column with a name and no parameters.
VARIABLE = re.compile(
    r"^(?!static\b|typedef\b|return\b|else\b|goto\b|extern\b|(?:struct|union|enum) \w+;)"
    r"[a-z][\w \t\*]*?(?:[ \*]|\(\*)(?:const )?(\w+)(?:\)\([^;{]*?\))?(?:\[[^\]]*\])*\s*[=;,]",
    re.M,
)
STATIC = re.compile(r"^static (?!const\b)[a-z][\w \t\*]*?[ \*](\w+)\((?!\*)[^;{]*?\)\s*\{", re.M)
STATICS_MOST = 3  # files with a static function of one name: more, and a backtrace tells nothing
SAME_EVERYWHERE = {"write_value"}  # of a JSON value, each room in its own form
# A `void *` that a callback gets back must go through MAGIC_CAST, or through a function NAME_of that does so.
# Refused are: assigning it to a pointer to something, casting it, handing it to a function that is called by its name. So are the first
# two with every `void *` parameter of a function, whatever it is called; a `const void *` is an element that is compared.
VOID = r"(?:context|argument|\w+->(?:context|data|state))"
HANDLE = r"(?:timer|handle|poll|async|signal|stream|idle|prepare|wake)->data"
CONTEXTS = (
    re.compile(r"\b(?:struct \w+|bool|int|char|size_t) \*\w+ =\s+(?:\w+->)*%s;" % VOID),
    re.compile(rf"^[ \t]+\w+ =\s+(?:\w+->)*(?:context|argument|\w+->(?:context|state)|{HANDLE});", re.M),
    re.compile(r"\((?:const )?struct \w+ \*\)\s*(?:context|argument|\w+->(?:context|state))\b"),
    re.compile(rf"(?<![\w.>])(?!(?:MAGIC_CAST|\w+_of|if|while|switch|return|sizeof)\()\w+\((?:[^();]*,\s*)?(?:\w+->)*(?:\w+->context|{HANDLE})[,)]"),
)
WITH_BODY = re.compile(r"^[a-z][\w \t\*]*?[ \*]\w+\(((?:[^;{}()]|\([^()]*\))*)\)\s*(?:__attribute__\(\([^{;]*\)\)\s*)?\{\n(.*?)^\}", re.M | re.S)
UNTYPED = re.compile(r"(?<!const )\bvoid \*(?:const )?(\w+)\s*(?=,|$)")
TYPED = r"(?:\bstruct \w+ \*(?:const )?\w+ =\s+|^[ \t]+\*?\w+ =\s+|, \*\w+ =\s+)(?:{0})[;,]|\((?:const )?struct \w+ \*(?:const )?\)\s*\(?(?:{0})\b"
# What needs no check: a part of what the breach would say, and the reason.
CONTEXTS_UNCHECKED = {
    "hmac->context": "OpenSSL's own type, no void *",
    "struct loader *loader = context;": "inih calls back only before ini_parse_stream returns: it is a variable of the caller",
    "struct noun_words *words = context;": "find calls back only before it returns: it is a variable of the caller",
    "(const struct str *)context": "the same",
    "struct conf_list *list = field;": "a member of the settings; its type is the row's in the table",
    "*)row": "a row of the array that read_registry.c has just made; the column's type is in the same table",
    "struct store_token *token = row;": "the same",
    "struct progress *progress = read->state;": "the store's own between two turns of one read; no callback sees it",
    "struct page *page = read->state;": "the same",
    "struct trace_walk *trace = read->state;": "the same",
    "search->then, search->context": "passed through; the one who gets it checks it",
    "bool *finished = base->context;": "registry_open runs the loop until that read has ended: it is its variable",
}
MAGIC = re.compile(r"^#define (\w+_MAGIC)\s+(\w+)", re.M)
MAGIC_CAST = re.compile(r"MAGIC_CAST\(\s*struct (\w+),.*?\b(\w+_MAGIC)\)", re.S)
TAG = re.compile(r"^(?:typedef )?(?:struct|union|enum)\s+(\w+)\s*\{", re.M)


# Whoever names an OCPI module says enum ocpi_module; its name is written in one table. Files that have such words for another
# reason, or that the arrows keep from the table, with the words:
MODULES = "lib/ocpi/modules.h"
MODULE_NAME = re.compile(r'X\([A-Z]+, "([a-z]+)"\)')
COMMENT = re.compile(r"/\*.*?\*/", re.S)
EVERY = "cdrs chargingprofiles commands credentials hubclientinfo locations sessions tariffs tokens versions"
SPELLS_MODULES = {
    "lib/ocpi/objects_transport.c": (EVERY, "OCPI's ModuleID and the names of members, as the specification lists them"),
    "lib/ocpi/objects_cdrs.c": ("tariffs", "CDR.tariffs, a member"),
    "lib/ctl/table_party.c": (EVERY, "hubctl knows no OCPI; the unit test of hubd's interfaces holds the words against them"),
    "lib/ctl/table_traffic.c": ("sessions cdrs", "hubctl knows no OCPI"),
    "lib/ctl/table_limit.c": ("commands locations", "names of limits"),
    "hubd/registry/limit.c": ("commands locations", "names of limits"),
    "hubd/modules/routes.c": ("versions", "the path of the versions endpoint"),
    "hubd/partners/registration.c": ("versions", "the path of the versions endpoint"),
    "hubd/calls/discovery.c": ("versions", "the path of the versions endpoint"),
    "hubd/calls/discovery_read.c": ("versions", "a member of the versions document"),
    "hubd/retention.c": ("sessions", "a noun of a log line"),
    "hubd/admin/attention.c": ("sessions", "a noun of a sentence"),
    "hubd/admin/rule.c": ("locations tariffs", "nouns of a sentence, members of an answer"),
    "hubd/admin/party.c": ("tokens", "a member of an answer: credentials tokens"),
    "hubd/admin/status.c": ("locations tariffs sessions cdrs", "names of counts in an answer"),
    "hubd/admin/check/check.c": ("versions", "the name of a check"),
    "hubd/admin/check/platform.c": ("versions", "the name of a check"),
}


def room_of(path):
    folder, name = os.path.split(path)
    if folder == "hubd":
        return HUBD.get(os.path.splitext(name)[0], "hubd/top")
    return folder


def may(room, other):
    allowed = ARROWS.get(room)
    if allowed is None:
        return False
    return any(other == entry or entry.endswith("/") and other.startswith(entry) for entry in allowed.split())


def arrows(path, text):
    room = room_of(path)
    for match in INCLUDE.finditer(text):
        header = match[1] or match[2]
        other = room_of(header)
        if other != room and not may(room, other):
            yield f"{place(path, text, match.start())}: {room} must not know {other} ({header})"


def exports(path, text):
    room = room_of(path)
    words = WORDS.get(room, "")
    if words is None:
        return
    stem = os.path.splitext(os.path.basename(path))[0]
    own = [*words.split(), os.path.basename(room), stem, stem.split("_")[0]]
    for match in (*FUNCTION.finditer(text), *VARIABLE.finditer(text)):
        name = match[1]
        if name != "main" and not any(name == word or name.startswith(word + "_") for word in own):
            yield f"{place(path, text, match.start())}: {name} does not begin with {' or '.join(dict.fromkeys(own))}"


def module_literal(root):
    """Matches a module's name, or its key as a SENDER interface, as a whole C string."""
    names = MODULE_NAME.findall((root / MODULES).read_text())
    assert names, f"{MODULES} has no table that this program can read"
    return re.compile(rf'"({"|".join(names)})(:sender)?"')


def spelled_modules(path, text, literal):
    if path == MODULES or not path.startswith(("hubd/", "hubctl/", "lib/")):
        return
    words = SPELLS_MODULES.get(path, ("", ""))[0].split()
    code = COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)
    for match in literal.finditer(code):
        if match[1] not in words:
            yield f"{place(path, code, match.start())}: {match[0]}"


def untyped_uses(text):
    """What a function does with its `void *` parameters: where, and the words."""
    for function in WITH_BODY.finditer(text):
        names = UNTYPED.findall(function[1])
        for match in re.finditer(TYPED.format("|".join(names)), function[2], re.M) if names else ():
            yield function.start(2) + match.start(), match[0]


def contexts(path, text):
    uses = dict(untyped_uses(text))
    for pattern in CONTEXTS:
        uses.update((match.start(), match[0]) for match in pattern.finditer(text))
    for at, words in sorted(uses.items()):
        found = " ".join(words.split())
        if not any(part in found for part in CONTEXTS_UNCHECKED):
            yield f"{place(path, text, at)}: {found}"


def magics(texts):
    """A number, its name and the struct that it belongs to: one of each, and somebody asks for it."""
    names, numbers, structs = {}, {}, {}
    for path, text in texts.items():
        for match in MAGIC.finditer(text):
            names.setdefault(match[1], []).append(place(path, text, match.start()))
            numbers.setdefault(int(match[2].rstrip("u"), 0), []).append(f"{place(path, text, match.start())}: {match[1]}")
        for match in MAGIC_CAST.finditer(text):
            structs.setdefault(match[2], {}).setdefault(match[1], place(path, text, match.start()))
    for name, places in names.items():
        if len(places) > 1:
            yield f"{places[0]}: {name}, also {', '.join(places[1:])}"
        if name not in structs:
            yield f"{places[0]}: {name} is in no MAGIC_CAST"
    for places in numbers.values():
        if len({where.rsplit(" ", 1)[1] for where in places}) > 1:
            yield f"{places[0]} has the number of {', '.join(places[1:])}"
    for name, users in structs.items():
        if len(users) > 1:
            yield f"{min(users.values())}: {name} is of {' and '.join(sorted(users))}"


def breaches(root):
    paths = [path for path in listed(root) if re.match(r"(hubd|hubctl|lib|man)/.*\.(c|h|cc)$", path)]
    tags, statics, literal = {}, {}, module_literal(root)
    texts = {path: (root / path).read_text() for path in paths}
    for path, text in texts.items():
        yield from ((CONTEXT, breach) for breach in contexts(path, text))
        yield from ((ARROW, breach) for breach in arrows(path, text))
        yield from ((MODULE, breach) for breach in spelled_modules(path, text, literal))
        if path.endswith(".c"):  # what C++ has stands in a namespace of its own
            yield from ((EXPORT, breach) for breach in exports(path, text))
            for name, at in {match[1]: match.start() for match in STATIC.finditer(text)}.items():
                statics.setdefault(name, []).append(place(path, text, at))
        for match in TAG.finditer(text):
            tags.setdefault(match[1], []).append(place(path, text, match.start()))
    yield from ((NUMBER, breach) for breach in magics(texts))
    for name, places in sorted(statics.items()):
        if len(places) > STATICS_MOST and name not in SAME_EVERYWHERE:
            yield SAME_STATIC, f"{places[0]}: {name}, also {', '.join(places[1:])}"
    for tag, places in sorted(tags.items()):
        if len(places) > 1:
            yield SAME_TAG, f"{places[0]}: {tag}, also {', '.join(places[1:])}"


if __name__ == "__main__":
    tell(breaches, TITLES)
