"""tests/static.py: each analyser's finding in a file with a fault is told, an excuse takes it away, and one for nothing is told too."""

import json
import shutil
import subprocess

import pytest

from tests.e2e.harness import ROOT

pytestmark = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("gcc", "clang-tidy", "cppcheck")), reason="the analysers come with the packages of tests/check --static"
)

FAULT = "#include <stdlib.h>\n\nint planted(int a)\n{\n    int *number = NULL;\n    if (a > 3)\n        number = &a;\n    return *number;\n}\n"
PLACE = "lib/base/planted.c:8: "
CHECKS = ("analyzer-null-dereference", "clang-analyzer-core.NullDereference", "cppcheck-nullPointer")


@pytest.fixture
def tree(tmp_path):
    """Two files in a room, one with a fault, as CMake would name them."""
    for path in ("tests/static.py", ".clang-tidy"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    (tmp_path / "tests" / "static.except").write_text("# nothing is excused\n")
    (tmp_path / "lib" / "base").mkdir(parents=True)
    (tmp_path / "build").mkdir()
    commands = []
    for name, text in (("planted", FAULT), ("good", "int good(void);\n\nint good(void)\n{\n    return 1;\n}\n")):
        file = tmp_path / "lib" / "base" / f"{name}.c"
        file.write_text(text)
        commands.append({"directory": str(tmp_path / "build"), "file": str(file), "command": f"gcc -Wall -Werror -o {name}.o -c {file}"})
    (tmp_path / "build" / "compile_commands.json").write_text(json.dumps(commands))
    return tmp_path


def static(tree, *args):
    result = subprocess.run([tree / "tests" / "static.py", tree / "build", *args], capture_output=True, text=True, check=False)
    assert result.stderr == ""
    return result.returncode, result.stdout


def test_each_analyser_finds_the_planted_fault(tree):
    code, said = static(tree)
    assert code == 1
    for check in CHECKS:
        assert any(line.startswith(PLACE) and line.endswith(f"[{check}]") for line in said.splitlines()), said
    assert "good.c" not in said


def test_what_is_excused_is_green_and_an_excuse_for_nothing_is_red(tree):
    lines = [f"{check} lib/base/planted.c the test planted it\n" for check in CHECKS]
    (tree / "tests" / "static.except").write_text("".join(lines))
    code, said = static(tree)
    assert code == 0 and PLACE not in said, said
    (tree / "tests" / "static.except").write_text("".join(lines) + "bugprone-* lib/base/good.c nothing\n")
    code, said = static(tree)
    assert code == 1 and "tests/static.except:4: excuses nothing any more: bugprone-* lib/base/good.c" in said, said


def test_an_analyser_that_fails_is_red(tree):
    (tree / "lib" / "base" / "good.c").write_text('#include "lib/base/not_there.h"\n')
    code, said = static(tree, "lib/base/good")
    assert code == 1 and "not_there.h" in said, said
