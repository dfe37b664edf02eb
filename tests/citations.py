#!/usr/bin/python3
"""What comments name exists: `page(N), SECTION` among the man pages' headings, and the files of this tree.

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
TITLES = (OLD_DOCUMENT, PAGE, SECTION, HEADING, NO_FILE, NO_FUNCTION)

CITATION = re.compile(r"\b(hub[a-z-]*(?:\.conf)?)\((\d)\)((?:,\s+[A-Z][A-Z]+(?:\s+[A-Z]+)*)*)")
STOP = re.compile(r"`((?:hubd|hubctl|lib|man)/[\w/]+\.[ch])` `(\w+)`")  # in README.md: where something happens
QUOTED = re.compile(r"`[^`\n]+`")
COMMENT = re.compile(r"/\*.*?\*/", re.S)
NAMED = re.compile(r'(?<![\w/.<"%-])((?:[\w-]+/)*[A-Za-z_][\w-]*\.(?:c|h|cc|py|sql|mdoc))(?![\w(.-])')
OF_THE_SYSTEM = {"sysexits.h"}
NOUN = re.compile(r'^    \{"([a-z]+)", ', re.M)
OLD = re.compile(r"hub-contract|\b[Cc]ontract,? (?:section )?\d")
FILE = re.compile(r"\b((?:hubd|hubctl|lib|man|tests|migrations)/[\w/.-]*\w\.(?:c|h|cc|py|sql|[1-8]))\b")
README = re.compile(r'\bREADME(?:\.md)?,\s+"([^"]+)"')
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


def breaches(root):
    pages = headings(root)
    titles = set(re.findall(r"^#+ (.*)$", (root / "README.md").read_text(), re.M))
    paths = listed(root)
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


if __name__ == "__main__":
    tell(breaches, TITLES)
