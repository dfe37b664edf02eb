#!/usr/bin/python3
"""Which lines and branches of each room the tests reached: gcov's figures of a build folder (-DHUB_COVERAGE=ON) as a table.

    tests/coverage.py BUILD-FOLDER          a row for each room
    tests/coverage.py BUILD-FOLDER ROOM     a row for each file of one: hubd/messages
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("hubd/", "hubctl/", "lib/")


def reports(build):
    """gcov's report of every object of the programs; its reports of objects that no test ran are empty of counts, not absent."""
    notes = [str(path.resolve()) for path in Path(build).rglob("*.gcno") if "tests" not in path.relative_to(build).parts]
    with tempfile.TemporaryDirectory() as folder:
        for note in notes:
            subprocess.run(["gcov", "--json-format", "--branch-probabilities", note], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            for report in Path(folder).glob("*.gz"):
                yield json.loads(gzip.decompress(report.read_bytes()))
                report.unlink()


def inside(name, report):
    """The file's path in the tree, None where it is none of the rooms'."""
    path = os.path.relpath(os.path.join(report["current_working_directory"], name), ROOT)
    return path if path.startswith(ROOMS) else None


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: tests/coverage.py BUILD-FOLDER [ROOM]")
    only = sys.argv[2].rstrip("/") if len(sys.argv) == 3 else None
    lines, branches = defaultdict(int), defaultdict(int)  # a header's line is in several reports: their counts add up
    for report in reports(sys.argv[1]):
        for file in report["files"]:
            path = inside(file["file"], report)
            for line in file["lines"] if path else ():
                lines[path, line["line_number"]] += line["count"]
                for number, branch in enumerate(line["branches"]):
                    branches[path, line["line_number"], number] += branch["count"]
    if not lines:
        sys.exit(f"{sys.argv[1]}: nothing counted; configure it with -DHUB_COVERAGE=ON")
    table = defaultdict(lambda: [0, 0, 0, 0])
    for column, counts in ((0, lines), (2, branches)):
        for (path, *_), count in counts.items():
            folder, file = os.path.split(path)
            for row in (folder, "all") if only is None else (file, "all") if folder == only else ():
                table[row][column] += count > 0
                table[row][column + 1] += 1
    if not table:
        sys.exit(f"{only}: no such room")
    print(f"{'room' if only is None else 'file':24}{'lines':>8}{'reached':>9}{'branches':>10}{'reached':>9}")
    for row, (line_hit, line_all, branch_hit, branch_all) in sorted(table.items(), key=lambda item: (item[0] == "all", item[0])):
        print(f"{row:24}{line_all:8}{line_hit / line_all:9.0%}{branch_all:10}{branch_hit / max(1, branch_all):9.0%}")


if __name__ == "__main__":
    main()
