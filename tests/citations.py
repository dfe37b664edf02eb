#!/usr/bin/python3
"""What comments name exists: `page(N), SECTION` among the man pages' headings, and the files of this tree.

Prints each breach as `TITLE|file:line: what`; says nothing when there is none. `tests/rules` calls it. A path as an argument: the
tree to look at.
"""

import re
import subprocess
import sys
from pathlib import Path

CITATION = re.compile(r"\b(hub[a-z-]*(?:\.conf)?)\((\d)\)((?:,\s+[A-Z][A-Z]+(?:\s+[A-Z]+)*)*)")
FILE = re.compile(r"\b((?:hubd|hubctl|lib|man|tests|migrations)/[\w/.-]*\w\.(?:c|h|cc|py|sql|[1-8]))\b")
README = re.compile(r'\bREADME(?:\.md)?,\s+"([^"]+)"')
LOOKED_AT = re.compile(r"^(hubd|hubctl|lib|man|tests)/.*\.(c|h|cc|py|cmake|txt)$|^README\.md$|^CMakeLists\.txt$|^tests/README\.md$")


def headings(root):
    """Section names by page: `hub-ocpi(7)` -> its .Sh lines. The pages of nouns have one source, man/noun.1."""
    pages = {}
    for source in (root / "man").glob("*.[1-8]"):
        name, number = source.name.rsplit(".", 1)
        pages[f"{name}({number})"] = {line[4:].strip() for line in source.read_text().splitlines() if line.startswith(".Sh ")}
    return pages


def flat(text):
    """Comments without the marks at the beginnings of their lines, of the same length."""
    return re.sub(r"\n[ ]*(?:\*|//|#)(?= )", lambda match: "\n" + " " * (len(match[0]) - 1), text)


def breaches(root):
    pages = headings(root)
    titles = set(re.findall(r"^#+ (.*)$", (root / "README.md").read_text(), re.M))
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=root, capture_output=True, text=True, check=True)
    for path in listed.stdout.splitlines():
        if not LOOKED_AT.match(path) or not (root / path).is_file() or path == "tests/citations.py":
            continue
        text = flat((root / path).read_text())

        def place(at):
            return f"{path}:{text.count(chr(10), 0, at) + 1}"

        for match in re.finditer(r"hub-contract", text):
            yield "a document that the repository does not have", f"{place(match.start())}: {match[0]}"
        for match in CITATION.finditer(text):
            page = f"{match[1]}({match[2]})"
            noun = match[1].startswith("hubctl-")
            if page not in pages and not noun:
                yield "a man page that does not exist", f"{place(match.start())}: {page}"
                continue
            for section in filter(None, re.split(r",\s+", re.sub(r"(?<!,)\s+", " ", match[3]))):
                if section not in pages.get("noun(1)" if noun else page, ()):
                    yield "a section that its man page does not have", f"{place(match.start())}: {page}, {section}"
        for match in README.finditer(text):
            if match[1] not in titles:
                yield "a section that README.md does not have", f"{place(match.start())}: {match[1]}"
        for match in FILE.finditer(text):
            if not ((root / match[1]).exists() or (root / path).parent.joinpath(match[1]).exists()) and not path.startswith("tests/e2e"):
                yield "a file that does not exist", f"{place(match.start())}: {match[1]}"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[1])
    for title, breach in breaches(root):
        print(f"{title}|{breach}")


if __name__ == "__main__":
    main()
