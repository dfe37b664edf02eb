"""What hubd documents of its answers (rpc.discover; the man pages say the same), and whether an answer keeps to it."""

import json
import re

# Global options of hubctl whose value is the next word; the words that are left name the command.
WITH_VALUE = {"-s", "--socket", "--field", "--color", "--timeout"}

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


# By a field's kind: what its value may be where it is not null.
KINDS = {
    "text": lambda value: isinstance(value, (str, dict, list)),
    "id": lambda value: isinstance(value, str),
    "status": lambda value: isinstance(value, (str, bool)) or is_number(value),
    "number": is_number,
    "milliseconds": is_number,
    "time": lambda value: isinstance(value, str) and TIME.fullmatch(value),
    "list": lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
    "numbers": lambda value: isinstance(value, list) and all(map(is_number, value)),
    "objects": lambda value: isinstance(value, list) and all(isinstance(item, dict) for item in value),
}


class Documented:
    """The methods of a hubd, by the words of their commands."""

    def __init__(self, methods):
        self.methods = {(method["noun"], method.get("verb")): method for method in methods}

    def command(self, args):
        """The method that these arguments of hubctl call; None where hubctl answers itself."""
        words, skip = [], False
        for arg in map(str, args):
            if not skip and not arg.startswith("-"):
                words.append(arg)
            skip = not skip and arg in WITH_VALUE
        words += [None, None]
        return self.methods.get((words[0], None)) or self.methods.get((words[0], words[1]))

    def breaches(self, args, text):
        """What is wrong with the lines of `hubctl --json`, a sentence each, once."""
        method = self.command(args)
        if method is None or method["result"] in ("body", "text"):
            return []
        rows = map(json.loads, text.splitlines())
        return sorted({breach for row in rows for breach in compare(method["name"], method["fields"], row)})


def compare(place, fields, row):
    """Every documented field is there, of its kind or null, and none besides."""
    names = {field["name"] for field in fields}
    yield from (f"{place}: {key} is not documented" for key in sorted(row.keys() - names))
    for field in fields:
        name, kind = field["name"], field["kind"]
        if name not in row:
            yield f"{place}: {name} is documented and not there"
        elif row[name] is not None and not KINDS[kind](row[name]):
            yield f"{place}: {name} is no {kind}: {row[name]!r}"
        elif kind == "objects":
            for inner in row[name] or ():
                yield from compare(f"{place}.{name}", field["fields"], inner)
