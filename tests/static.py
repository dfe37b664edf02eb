#!/usr/bin/python3
"""What analysers say of hubd, hubctl and lib without running them: gcc's -fanalyzer, clang-tidy (.clang-tidy), cppcheck.

    tests/static.py BUILD-FOLDER [PATH-PREFIX…]

Prints each finding once, as `path:line: text [check]`. Those that tests/static.except excuses are left out; an excuse that excuses
nothing any more is a finding too, where all files were looked at. Exit 1 when there is a finding, or when an analyser itself failed.
tests/check --static builds the folder and calls it.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("hubd/", "hubctl/", "lib/")
EXCUSES = ROOT / "tests" / "static.except"
FINDING = re.compile(r"^(?P<path>[^\s:]+):(?P<line>\d+):\d+: (?:warning|error): (?P<text>.*) \[(?P<check>[\w.,+-]+)\]$", re.M)
CPPCHECK = ["cppcheck", "--quiet", "--enable=warning,performance,portability", "--inline-suppr", "--library=posix,gnu", "--std=c11",
            "--suppress=missingIncludeSystem", "--template={file}:{line}:{column}: warning: {message} [cppcheck-{id}]"]


def of_the_tree(name, folder):
    return os.path.relpath(os.path.join(folder, name), ROOT)


def entries(build, prefixes):
    """compile_commands.json's entries of the rooms."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = of_the_tree(entry["file"], entry["directory"])
        if path.startswith(prefixes):
            yield path, entry


def with_gcc(path, entry, _build):
    """None for C++, which gcc 12 does not analyse."""
    command = [word for word in shlex.split(entry["command"]) if word != "-Werror" and os.path.basename(word) != "ccache"]
    command[command.index("-o") + 1] = os.devnull
    return [*command, "-fanalyzer"] if path.endswith(".c") else None


def with_clang_tidy(_path, entry, build):
    return ["clang-tidy", "-quiet", "-p", str(build), entry["file"]]


def with_cppcheck(path, entry, _build):
    flags = [word for word in shlex.split(entry["command"]) if re.match(r"-[DI]", word)]
    return [*CPPCHECK, *flags, entry["file"]] if path.endswith(".c") else None


def look(job):
    """(findings, None), or what an analyser that failed said."""
    command, folder = job
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    said = run.stdout + run.stderr
    found = {(of_the_tree(m["path"], folder), int(m["line"]), m["check"].removeprefix("-W"), m["text"]) for m in FINDING.finditer(said)}
    return found, said if run.returncode != 0 and not found else None


def excuses():
    """`CHECK PATH REASON`, a line each; either may be a pattern of the shell."""
    for number, line in enumerate(EXCUSES.read_text().splitlines(), 1):
        if line and not line.startswith("#"):
            check, path, reason = line.split(None, 2)
            yield number, check, path, reason


def excuse_of(finding, table):
    """The number of the line that excuses it, None for a finding that counts."""
    path, _, check, _ = finding
    return next((number for number, of, where, _ in table if fnmatch(check, of) and fnmatch(path, where)), None)


def analyse(tool, files, build):
    """(findings, whether the tool itself failed)."""
    found, failed, start = set(), False, time.monotonic()
    jobs = [(command, entry["directory"]) for path, entry in files if (command := tool(path, entry, build)) is not None]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for more, trouble in pool.map(look, jobs):
            found |= {finding for finding in more if finding[0].startswith(ROOMS)}
            failed = failed or trouble is not None
            print(trouble or "", end="")
    print(f"{tool.__name__.removeprefix('with_')}: {len(jobs)} files, {time.monotonic() - start:.0f} s", flush=True)
    return found, failed


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: tests/static.py BUILD-FOLDER [PATH-PREFIX…]")
    build, prefixes = Path(sys.argv[1]).resolve(), tuple(sys.argv[2:]) or ROOMS
    files, table, used, red = list(entries(build, prefixes)), list(excuses()), set(), False
    if not files:
        sys.exit(f"{build}/compile_commands.json names no file under {' '.join(prefixes)}")
    for tool in (with_cppcheck, with_gcc, with_clang_tidy):
        found, failed = analyse(tool, files, build)
        red = red or failed
        for finding in sorted(found):
            excuse = excuse_of(finding, table)
            used.add(excuse)
            if excuse is None:
                red = True
                print("{0}:{1}: {3} [{2}]".format(*finding), flush=True)
    for number, check, path, _ in table if prefixes == ROOMS else ():
        if number not in used:
            red = True
            print(f"tests/static.except:{number}: excuses nothing any more: {check} {path}")
    sys.exit(red)


if __name__ == "__main__":
    main()
