"""tests/rules and what it calls find what they are for: a breach of each rule, planted in a small tree, is named with its place."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.e2e.harness import ROOT

sys.path.append(str(ROOT / "tests"))  # its programs import each other without a package
import citations  # noqa: E402
from structure import ARROW, CONTEXT, EXPORT, MODULE, NUMBER, SAME_STATIC, SAME_TAG, SPELLS_MODULES  # noqa: E402

LONG = "files over 600 lines"
LAYOUT = "not formatted as .clang-format says"
ASKS = "static void on_a(void *context)\n{\n    a(MAGIC_CAST(struct a, context, A_MAGIC));\n}\n"

# file planted, its text, the rule that it breaks
BREACHES = [
    ("hubd/registry/planted.c", 'static const char *text = "SELECT 1 FROM party";\n', "SQL outside lib/store"),
    ("hubd/registry/planted.c", "static void planted(char *to)\n{\n    strcpy(to, to);\n}\n", "banned calls"),
    ("hubd/registry/planted.c", "static void planted(void)\n{\n    abort();\n}\n", "an abort that does not say why (lib/base/bug.h)"),
    ("hubd/registry/planted.c", "static long planted(void)\n{\n    return time(NULL);\n}\n", "time or randomness outside lib/base"),
    ("tests/e2e/planted.py", "import time\n\ntime.sl" + "eep(1)\n", "tests that sleep for time to pass"),
    ("hubd/registry/planted.c", "/* TO" + "DO */\n", "unfinished marks"),
    ("hubd/registry/planted.c", "\n" * 601, LONG),
    ("tests/planted", "#!/bin/sh\n" * 601, LONG),
    ("tests/planted.py", 'PLACE = "/ho' + 'me/somebody/x"\n', "paths of one machine"),
    ("lib/base/planted.c", "static int planted( void )\n{\n  return 0;\n}\n", LAYOUT),
    ("lib/base/planted.c", '#include "hubd/hub.h"\n', ARROW),
    ("lib/json/planted.c", '#include "lib/http/url.h"\n', ARROW),
    ("hubd/calls/planted.c", '#include "hubd/outbox/outbox.h"\n', ARROW),
    ("hubd/calls/planted.c", "#include <hubd/outbox/outbox.h>\n", ARROW),
    ("hubd/calls/planted.c", ' # include "hubd/outbox/outbox.h"\n', ARROW),
    ("hubd/calls/planted.c", '#include "../outbox/outbox.h"\n', ARROW),
    ("hubd/registry/planted.c", "int other_name(void)\n{\n    return 0;\n}\n", EXPORT),
    ("hubd/registry/planted.c", "const int nobody_var;\n", EXPORT),
    ("hubd/registry/planted.c", "const char *const nobody_rows[][2] = {\n    {0, 0},\n};\n", EXPORT),
    ("hubd/registry/planted.c", "int nobody_one, registry_other;\n", EXPORT),
    ("hubd/registry/planted.c", "int (*nobody_hook)(void);\n", EXPORT),
    ("hubd/registry/planted.c", '/* "cdrs" */\nstatic const char *text = "sess' + 'ions";\n', MODULE),
    ("hubd/retention.c", 'static const char *text = "tari' + 'ffs";\n', MODULE),
    ("hubctl/planted.c", 'static const char *text = "tokens' + ':sender";\n', MODULE),
    ("hubd/registry/planted.h", "struct str {\n    int a;\n};\n", SAME_TAG),
    ("hubd/registry/planted.h", "struct str\n{\n    int a;\n};\n", SAME_TAG),
    ("hubd/registry/planted.c", "static void on_read(struct store_read *base)\n{\n    struct planted *planted = base->context;\n}\n", CONTEXT),
    ("hubd/registry/planted.c", "static void on_tick(uv_timer_t *timer)\n{\n    const struct planted *planted =\n        timer->data;\n}\n", CONTEXT),
    ("hubd/registry/planted.c", "static void on_end(void *context)\n{\n    end((struct planted *)context);\n}\n", CONTEXT),
    ("hubd/registry/planted.c", "static void on_read(struct store_read *base)\n{\n    end(base, base->context);\n}\n", CONTEXT),
    ("hubd/registry/planted.c", "static void on_end(int status, void *user)\n{\n    struct planted *planted = user;\n}\n", CONTEXT),
    ("hubd/registry/planted.c", "static void on_end(void *user, void (*then)(void *))\n{\n    struct planted *one = 0, *planted = user;\n}\n", CONTEXT),
    ("hubd/registry/planted.c", "static void on_end(void *opaque)\n{\n    end((struct planted *)opaque);\n}\n", CONTEXT),
    ("hubd/registry/planted.c", "static void on_end(void *context)\n{\n    struct planted *planted;\n    planted = context;\n}\n", CONTEXT),
    ("hubd/registry/planted.c", "static void on_end(void *user)\n{\n    struct planted *planted;\n    planted = user;\n}\n", CONTEXT),
    ("hubd/registry/planted.c", "static void on_end(struct store_read *base)\n{\n    struct planted *planted;\n    planted = base->context;\n}\n", CONTEXT),
    ("hubd/registry/planted.c", f"#define A_MAGIC 0x41u\n#define B_MAGIC 0x41u\n{ASKS}", NUMBER),
    ("hubd/registry/planted.c", f"#define A_MAGIC 0x41u\n#define A_MAGIC 0x42u\n{ASKS}", NUMBER),
    ("hubd/registry/planted.c", f"#define A_MAGIC 0x41u\n{ASKS}{ASKS.replace('struct a', 'struct b')}", NUMBER),
    ("hubd/registry/planted.c", "#define A_MAGIC 0x41u\n", NUMBER),
    ("hubd/registry/planted.c", "/* as hub-o" + "cpi(7), NO SUCH SECTION says */\n", citations.SECTION),
    ("hubd/registry/planted.c", "/* as hub-o" + "cpi(7), Name says */\n", citations.SECTION),
    ("hubd/registry/planted.c", "/* as hub-o" + "cpi(7), name says */\n", citations.SECTION),
    ("hubd/registry/planted.c", "/* as hub-o" + "cpi(7), NAME, Nothing says */\n", citations.SECTION),
    ("hubd/registry/planted.c", "/* as hub-no" + "thing(7) says */\n", citations.PAGE),
    ("hubd/registry/planted.c", "/* as hubctl-no" + "thing(1) says */\n", citations.PAGE),
    ("hubd/registry/planted.c", "/* see hu" + "bd/nothing_here.c */\n", citations.NO_FILE),
    ("hubd/registry/planted.c", "/* nothing_" + "here.c has it */\n", citations.NO_FILE),
    ("hubd/registry/planted.c", '/* see READ' + 'ME, "No such heading" */\n', citations.HEADING),
    ("README.md", "`hubd/hub.h` `planted_" + "nowhere` - begins it\n", citations.NO_FUNCTION),
    ("hubd/registry/planted.c", "/* hub-contra" + "ct 5 */\n", citations.OLD_DOCUMENT),
    ("hubd/registry/planted.c", "/* contra" + "ct 5 */\n", citations.OLD_DOCUMENT),
    ("hubd/registry/planted.c", "/* OCPI 2.2" + ".1, 99.99 No Such Chapter */\n", citations.CHAPTER),
    ("hubd/registry/planted.c", "/* OCPI\n * 2.2" + ".1, Vehicles: Color */\n", citations.CHAPTER),
    ("hubd/registry/planted.c", "/* OCPI 2.2" + ".1, Tokens: Color */\n", citations.CHAPTER),
    ("hubd/registry/planted.c", "/* OCPI 2.2" + ".1, Types 16.20 */\n", citations.CHAPTER),
    ("hubd/registry/planted.c", 'static const char text[] = "OCPI 2.2' + '.1, "\n    "Tokens: Colors";\n', citations.CHAPTER),
    ("hubd/registry/planted.c", "/* as outbox_frob" + "nicate() does */\n", citations.NOT_CALLED),
]

WITHOUT_FORMATTER = pytest.mark.skipif(shutil.which("clang-format") is None, reason="clang-format is missing; it is in tests/packages")


@pytest.fixture
def tree(tmp_path):
    """What the rules need of the tree, and no more; git lists it as not yet committed."""
    programs = ("tests/rules", "tests/structure.py", "tests/citations.py", "tests/tree.py")
    for path in (*programs, ".clang-format", "lib/base/str.h", "lib/ocpi/modules.h"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    texts = {"README.md": "# planted\n", "hubd/hub.h": "struct hub;\n", "man/hub-ocpi.7": ".Sh NAME\n", **dict.fromkeys(SPELLS_MODULES, "")}
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def rules(tree, *args, env=None):
    return subprocess.run([tree / "tests" / "rules", *args], capture_output=True, text=True, check=False, env=env)


def section(report, title):
    """The lines of one rule's breaches."""
    return next((part for part in report.split("\n\n") if part.startswith(f"{title}:\n")), "")


@pytest.mark.parametrize(
    ("path", "text", "title"),
    [pytest.param(*breach, marks=WITHOUT_FORMATTER if breach[2] == LAYOUT else ()) for breach in BREACHES],
    ids=[f"{index}-{title}-{path}" for index, (path, _, title) in enumerate(BREACHES)],
)
def test_a_planted_breach_is_named(tree, path, text, title):
    (tree / path).parent.mkdir(parents=True, exist_ok=True)
    (tree / path).write_text(text)
    result = rules(tree)
    assert result.returncode == 1 and path in section(result.stdout, title), result.stdout + result.stderr


def test_the_tree_that_breaches_are_planted_in_has_none_of_them(tree):
    report = rules(tree).stdout
    assert not [title for _, _, title in BREACHES if section(report, title)], report


def test_a_static_name_in_one_file_too_many_is_named(tree):
    for name in "abcd":
        (tree / f"lib/base/same_{name}.c").write_text("static int planted(void)\n{\n    return 0;\n}\n")
        report = section(rules(tree).stdout, SAME_STATIC)
        assert ("lib/base/same_a.c:1: planted, also" in report) == (name == "d"), report


def test_a_program_that_breaks_is_told(tree):
    (tree / "lib/ocpi/modules.h").write_text("")  # the table that structure.py reads
    result = rules(tree)
    assert result.returncode == 1 and "tests/structure.py" in section(result.stdout, "a program that could not look"), result.stdout


def test_help_names_every_rule():
    result = rules(ROOT, "--help")
    named = [line.strip() for line in result.stdout.partition("The rules:\n")[2].splitlines()]
    assert result.returncode == 0 and sorted(named) == sorted({*(title for _, _, title in BREACHES), SAME_STATIC})


def test_a_missing_formatter_is_told(tree, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bin")
    for tool in ("awk", "bash", "cat", "dirname", "env", "git", "grep", "sed", "sort", "uniq", "wc", "xargs"):
        (folder / tool).symlink_to(shutil.which(tool))
    result = rules(tree, env={**os.environ, "PATH": str(folder)})
    assert "not checked: clang-format is missing\n" in result.stdout and "house rules: kept\n" not in result.stdout, result.stdout + result.stderr
