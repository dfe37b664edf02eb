"""What the programs that look for breaches share: the files that git has or would take, places in them, and how a breach is told."""

import subprocess
import sys
from pathlib import Path


def listed(root):
    """Paths from the root, of files that are there: also those that are not committed yet, none that git ignores."""
    git = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=root, capture_output=True, text=True, check=True)
    return [path for path in git.stdout.splitlines() if (root / path).is_file()]


def place(path, text, at):
    """`path:line` of the character `at`."""
    return f"{path}:{text.count(chr(10), 0, at) + 1}"


def tell(breaches, titles):
    """Prints each pair of title and breach that `breaches(root)` yields as `TITLE|breach`; says nothing when there is none. The root is
    the tree that the program lies in. With --titles it prints the titles of its rules instead, and looks at nothing."""
    if sys.argv[1:] == ["--titles"]:
        print(*titles, sep="\n")
        return
    for title, breach in list(breaches(Path(__file__).resolve().parents[1])):
        assert title in titles, f"{title} is in no list of titles"
        print(f"{title}|{breach}")
