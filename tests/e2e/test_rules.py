"""tests/rules and what it calls find what they are for: a breach of each rule, planted in a small tree, is named with its place."""

import shutil
import subprocess

import pytest

from tests.e2e.harness import ROOT
from tests.structure import SPELLS_MODULES

CONTEXT = "a callback's context that is not checked"
MAGIC = "a magic number that is not one struct's own"
ASKS = "static void on_a(void *context)\n{\n    a(MAGIC_CAST(struct a, context, A_MAGIC));\n}\n"

# file planted, its text, what the report must say of it
BREACHES = [
    ("hubd/registry/planted.c", 'static const char *text = "SELECT 1 FROM party";\n', "SQL outside lib/store"),
    ("hubd/registry/planted.c", "static void planted(char *to)\n{\n    strcpy(to, to);\n}\n", "banned calls"),
    ("hubd/registry/planted.c", "static void planted(void)\n{\n    abort();\n}\n", "an abort that does not say why"),
    ("hubd/registry/planted.c", "static long planted(void)\n{\n    return time(NULL);\n}\n", "time or randomness outside lib/base"),
    ("tests/e2e/planted.py", "import time\n\ntime.sl" + "eep(1)\n", "tests that sleep for time to pass"),
    ("hubd/registry/planted.c", "/* TO" + "DO */\n", "unfinished marks"),
    ("hubd/registry/planted.c", "\n" * 601, "files over 600 lines"),
    ("tests/planted.py", 'PLACE = "/ho' + 'me/somebody/x"\n', "paths of one machine"),
    ("lib/base/planted.c", "static int planted( void )\n{\n  return 0;\n}\n", "not formatted as .clang-format says"),
    ("lib/base/planted.c", '#include "hubd/hub.h"\n', "an arrow that no room may draw"),
    ("lib/json/planted.c", '#include "lib/http/url.h"\n', "an arrow that no room may draw"),
    ("hubd/calls/planted.c", '#include "hubd/outbox/outbox.h"\n', "an arrow that no room may draw"),
    ("hubd/registry/planted.c", "int other_name(void)\n{\n    return 0;\n}\n", "an exported name without its room's word"),
    ("hubd/registry/planted.c", '/* "cdrs" */\nstatic const char *text = "sess' + 'ions";\n', "a module's name spelled outside lib/ocpi/modules.h"),
    ("hubctl/planted.c", 'static const char *text = "tokens' + ':sender";\n', "a module's name spelled outside lib/ocpi/modules.h"),
    ("hubd/registry/planted.h", "struct str {\n    int a;\n};\n", "one name for several structs"),
    ("hubd/registry/planted.c", "static void on_read(struct store_read *base)\n{\n    struct planted *planted = base->context;\n}\n", CONTEXT),
    ("hubd/registry/planted.c", "static void on_tick(uv_timer_t *timer)\n{\n    const struct planted *planted =\n        timer->data;\n}\n", CONTEXT),
    ("hubd/registry/planted.c", "static void on_end(void *context)\n{\n    end((struct planted *)context);\n}\n", CONTEXT),
    ("hubd/registry/planted.c", "static void on_read(struct store_read *base)\n{\n    end(base, base->context);\n}\n", CONTEXT),
    ("hubd/registry/planted.c", f"#define A_MAGIC 0x41u\n#define B_MAGIC 0x41u\n{ASKS}", MAGIC),
    ("hubd/registry/planted.c", f"#define A_MAGIC 0x41u\n#define A_MAGIC 0x42u\n{ASKS}", MAGIC),
    ("hubd/registry/planted.c", f"#define A_MAGIC 0x41u\n{ASKS}{ASKS.replace('struct a', 'struct b')}", MAGIC),
    ("hubd/registry/planted.c", "#define A_MAGIC 0x41u\n", MAGIC),
    ("hubd/registry/planted.c", "/* as hub-o" + "cpi(7), NO SUCH SECTION says */\n", "a section that its man page does not have"),
    ("hubd/registry/planted.c", "/* as hub-no" + "thing(7) says */\n", "a man page that does not exist"),
    ("hubd/registry/planted.c", "/* as hubctl-no" + "thing(1) says */\n", "a man page that does not exist"),
    ("hubd/registry/planted.c", "/* see hu" + "bd/nothing_here.c */\n", "a file that does not exist"),
    ("hubd/registry/planted.c", "/* nothing_" + "here.c has it */\n", "a file that does not exist"),
    ("hubd/registry/planted.c", '/* see READ' + 'ME, "No such heading" */\n', "a section that README.md does not have"),
    ("README.md", "`hubd/hub.h` `planted_" + "nowhere` - begins it\n", "a function that is not in its file"),
    ("hubd/registry/planted.c", "/* hub-contra" + "ct 5 */\n", "a document that the repository does not have"),
    ("hubd/registry/planted.c", "/* contra" + "ct 5 */\n", "a document that the repository does not have"),
]

WITHOUT_FORMATTER = pytest.mark.skipif(shutil.which("clang-format") is None, reason="clang-format comes with the packages of tests/check --full")


@pytest.fixture
def tree(tmp_path):
    """What the rules need of the tree, and no more; git lists it as not yet committed."""
    for path in ("tests/rules", "tests/structure.py", "tests/citations.py", "tests/tree.py", "README.md", ".clang-format", "lib/base/str.h", "lib/ocpi/modules.h"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    for path, text in (("README.md", "# planted\n"), ("hubd/hub.h", "struct hub;\n"), ("man/hub-ocpi.7", ".Sh NAME\n"), *((path, "") for path in SPELLS_MODULES)):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def rules(tree, *args):
    return subprocess.run([tree / "tests" / "rules", *args], capture_output=True, text=True, check=False)


def section(report, title):
    """The lines of one rule's breaches."""
    return next((part for part in report.split("\n\n") if part.startswith(title)), "")


@pytest.mark.parametrize(
    ("path", "text", "title"),
    [pytest.param(*breach, marks=WITHOUT_FORMATTER if "clang-format" in breach[2] else ()) for breach in BREACHES],
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


@pytest.mark.parametrize("title", sorted({title for _, _, title in BREACHES}))
def test_help_names_every_rule(title):
    result = rules(ROOT, "--help")
    assert result.returncode == 0 and title in result.stdout
