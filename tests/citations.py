#!/usr/bin/python3
"""What comments name exists: `page(N), SECTION` among the man pages' headings, and the files of this tree.

A file is named by its path from the root, or by the end of it: `push.c`, `messages/push.c`.

Prints each breach as `TITLE|file:line: what`; says nothing when there is none. `tests/rules` calls it. A path as an argument: the
tree to look at.
"""

import re
import subprocess
import sys
from pathlib import Path

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
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=root, capture_output=True, text=True, check=True)
    tree = listed.stdout.splitlines()
    ends = {f"/{path}"[at.start() :] for path in tree for at in re.finditer("/", f"/{path}")}
    for path in tree:
        if not LOOKED_AT.match(path) or not (root / path).is_file() or path == "tests/citations.py":
            continue
        text = flat((root / path).read_text())

        def place(at):
            return f"{path}:{text.count(chr(10), 0, at) + 1}"

        for match in OLD.finditer(text):
            yield "a document that the repository does not have", f"{place(match.start())}: {match[0]}"
        for match in CITATION.finditer(text):
            page = f"{match[1]}({match[2]})"
            if page not in pages:
                yield "a man page that does not exist", f"{place(match.start())}: {page}"
                continue
            for section in filter(None, re.split(r",\s+", re.sub(r"(?<!,)\s+", " ", match[3]))):
                if section not in pages[page]:
                    yield "a section that its man page does not have", f"{place(match.start())}: {page}, {section}"
        for match in README.finditer(text):
            if match[1] not in titles:
                yield "a section that README.md does not have", f"{place(match.start())}: {match[1]}"
        for match in FILE.finditer(text):
            if not ((root / match[1]).exists() or (root / path).parent.joinpath(match[1]).exists()) and not path.startswith("tests/e2e"):
                yield "a file that does not exist", f"{place(match.start())}: {match[1]}"
        for match in STOP.finditer(text) if path.endswith(".md") else ():
            if (root / match[1]).is_file() and not re.search(rf"\b{match[2]}\(", (root / match[1]).read_text()):
                yield "a function that is not in its file", f"{place(match.start())}: {match[1]} {match[2]}"
        for comment in (QUOTED if path.endswith(".md") else COMMENT).finditer(text) if path.endswith((".c", ".h", ".cc", ".md")) else ():
            for match in NAMED.finditer(comment[0]):
                if not FILE.fullmatch(match[1]) and match[1] not in OF_THE_SYSTEM and f"/{match[1]}" not in ends:
                    yield "a file that does not exist", f"{place(comment.start() + match.start())}: {match[1]}"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[1])
    for title, breach in breaches(root):
        print(f"{title}|{breach}")


if __name__ == "__main__":
    main()
