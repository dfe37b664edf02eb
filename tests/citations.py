#!/usr/bin/python3
"""What comments name exists: `page(N), SECTION` among the man pages' headings, `OCPI 2.2.1, CHAPTER: SECTION` among the chapters
below, the files of this tree, and `function()` in its code.

A file is named by its path from the root, or by the end of it: `push.c`, `messages/push.c`.

`tests/rules` calls it; tests/tree.py says how it prints.
"""

import re

from tree import listed, place, tell

# What a breach of each rule is called.
OLD_DOCUMENT = "a document that the repository does not have"
PAGE = "a man page that does not exist"
SECTION = "a section that its man page does not have"
HEADING = "a section that README.md does not have"
NO_FILE = "a file that does not exist"
NO_FUNCTION = "a function that is not in its file"
NOT_CALLED = "a function that a comment names and no code"
CHAPTER = "a chapter or section of OCPI that is not in the list (tests/citations.py)"
TITLES = (OLD_DOCUMENT, PAGE, SECTION, HEADING, NO_FILE, NO_FUNCTION, NOT_CALLED, CHAPTER)

# The chapters of OCPI 2.2.1 that are cited, and of each the sections: by title, after a colon, or by number.
OCPI = {
    "CDRs": (),
    "ChargingProfiles": (),
    "Commands": (),
    "Credentials": ("CredentialsRole", "PUT", "Registration", "token"),
    "HubClientInfo": (),
    "Locations": ("Object description", "Status"),
    "Sessions": ("PUT Method", "8.2.2.3"),
    "Status codes": (),
    "Tariffs": (),
    "Terminology": ("typical implementations per role",),
    "Tokens": ("AuthorizationInfo", "Real-time authorization"),
    "Transport": (
        *("Authorization header", "Broadcast Push", "Client Owned Object Push", "Message Routing", "Paginated request"),
        *("Paginated response", "Pagination", "Response format", "Security"),
    ),
    "Transport and format": (),
    "Types": ("CiString", "DateTime", "Role", "16.1", "16.2"),
    "Versions": ("Endpoint", "Version details endpoint", "Version information endpoint"),
}
CITED = re.compile(r"\bOCPI\s+2\.2\.1[,:]?\s+(?:chapter\s+)?(?=[A-Z0-9])")
CALLED = re.compile(r"(?<![\w/.-])(\w+)\(\)")  # in a comment
CALL = re.compile(r"\b(\w+)\s*\(")
CITATION = re.compile(r"\b(hub[a-z-]*(?:\.conf)?)\((\d)\)((?:,\s+[A-Z][A-Za-z]+(?:\s+[A-Z]+\b)*)*)(?:,\s+([a-z]+)\b)?")
STOP = re.compile(r"`((?:hubd|hubctl|lib|man)/[\w/]+\.[ch])` `(\w+)`")  # in README.md: where something happens
QUOTED = re.compile(r"`[^`\n]+`")
COMMENT = re.compile(r"/\*.*?\*/", re.S)
NAMED = re.compile(r'(?<![\w/.<"%-])((?:[\w-]+/)*[A-Za-z_][\w-]*\.(?:c|h|cc|py|sql|mdoc))(?![\w(.-])')
OF_THE_SYSTEM = {"sysexits.h"}
NOUN = re.compile(r'^    \{"([a-z]+)", ', re.M)
OLD = re.compile(r"hub-contract|\b[Cc]ontract,? (?:section )?\d")
FILE = re.compile(r"\b((?:hubd|hubctl|lib|man|tests|migrations)/[\w/.-]*\w\.(?:c|h|cc|py|sql|[1-8]))\b")
README = re.compile(r'\bREADME(?:\.md)?,\s+"([^"]+)"')
OF_THE_CODE = re.compile(r"^(hubd|hubctl|lib|man)/.*\.(c|h|cc)$")
LOOKED_AT = re.compile(r"^(hubd|hubctl|lib|man|tests)/.*\.(c|h|cc|py|cmake|txt)$|^README\.md$|^CMakeLists\.txt$|^tests/README\.md$")


def headings(root):
    """Section names by page: `hub-ocpi(7)` -> its .Sh lines. The pages of nouns have one source, man/noun.1, and are as many as hubctl's
    tables have nouns."""
    pages = {}
    for source in (root / "man").glob("*.[1-8]"):
        name, number = source.name.rsplit(".", 1)
        pages[f"{name}({number})"] = {line[4:].strip() for line in source.read_text().splitlines() if line.startswith(".Sh ")}
    for table in (root / "lib" / "ctl").glob("table_*.c"):
        for noun in NOUN.findall(table.read_text()):
            pages[f"hubctl-{noun}(1)"] = pages.get("noun(1)", set())
    return pages


def flat(text):
    """Comments without the marks at the beginnings of their lines, of the same length."""
    return re.sub(r"\n[ ]*(?:\*|//|#)(?= )", lambda match: "\n" + " " * (len(match[0]) - 1), text)


def joined(text):
    """C's strings without the quotes between their parts, of the same length."""
    return re.sub(r'"\s*"', lambda match: " " * len(match[0]), text)


def is_listed(cited):
    """Whether a text begins with a chapter of OCPI, and with a section of it where one is named."""
    chapter = max((title for title in OCPI if re.match(rf"{title}\b", cited)), key=len, default=None)
    if chapter is None:
        return False
    section = re.match(r"(?::| (?=\d)) ?(.*)", cited[len(chapter) :])
    return not section or any(re.match(rf"{re.escape(title)}(?!\w|\.\d)", section[1]) for title in OCPI[chapter])


def called(root, paths):
    """Every name that code of the tree calls, defines or declares, as functions and macros are."""
    code = (COMMENT.sub("", (root / path).read_text()) for path in paths if OF_THE_CODE.match(path))
    return {name for text in code for name in CALL.findall(text)}


def breaches(root):
    pages = headings(root)
    titles = set(re.findall(r"^#+ (.*)$", (root / "README.md").read_text(), re.M))
    paths = listed(root)
    known = called(root, paths)
    ends = {f"/{path}"[at.start() :] for path in paths for at in re.finditer("/", f"/{path}")}
    for path in paths:
        if not LOOKED_AT.match(path) or path == "tests/citations.py":
            continue
        text = flat((root / path).read_text())

        for match in OLD.finditer(text):
            yield OLD_DOCUMENT, f"{place(path, text, match.start())}: {match[0]}"
        for match in CITATION.finditer(text):
            page = f"{match[1]}({match[2]})"
            if page not in pages:
                yield PAGE, f"{place(path, text, match.start())}: {page}"
                continue
            for section in filter(None, re.split(r",\s+", re.sub(r"(?<!,)\s+", " ", match[3]))):
                if section not in pages[page]:
                    yield SECTION, f"{place(path, text, match.start())}: {page}, {section}"
            if match[4] and match[4].upper() in pages[page]:  # else it is a sentence that goes on
                yield SECTION, f"{place(path, text, match.start())}: {page}, {match[4]}"
        for match in CITED.finditer(joined(text)):
            cited = " ".join(joined(text)[match.end() : match.end() + 100].split())
            if not is_listed(cited):
                yield CHAPTER, f"{place(path, text, match.start())}: {cited[:40]}"
        for match in README.finditer(text):
            if match[1] not in titles:
                yield HEADING, f"{place(path, text, match.start())}: {match[1]}"
        for match in FILE.finditer(text):
            if not ((root / match[1]).exists() or (root / path).parent.joinpath(match[1]).exists()) and not path.startswith("tests/e2e"):
                yield NO_FILE, f"{place(path, text, match.start())}: {match[1]}"
        for match in STOP.finditer(text) if path.endswith(".md") else ():
            if (root / match[1]).is_file() and not re.search(rf"\b{match[2]}\(", (root / match[1]).read_text()):
                yield NO_FUNCTION, f"{place(path, text, match.start())}: {match[1]} {match[2]}"
        for comment in (QUOTED if path.endswith(".md") else COMMENT).finditer(text) if path.endswith((".c", ".h", ".cc", ".md")) else ():
            for match in NAMED.finditer(comment[0]):
                if not FILE.fullmatch(match[1]) and match[1] not in OF_THE_SYSTEM and f"/{match[1]}" not in ends:
                    yield NO_FILE, f"{place(path, text, comment.start() + match.start())}: {match[1]}"
            for match in CALLED.finditer(comment[0]) if OF_THE_CODE.match(path) else ():
                if match[1] not in known:
                    yield NOT_CALLED, f"{place(path, text, comment.start() + match.start())}: {match[0]}"


if __name__ == "__main__":
    tell(breaches, TITLES)
