"""The hub's specification as cases: each rule that a partner can hold the hub to, and the test that shows it on a real hubd.

How to read it. The rules_*.py list the rules, one sentence each, in the order of their sources: `OCPI 1.3-4` is the fourth rule
of section 1.3 of the rules that follow from OCPI 2.2.1, `hub 2-7` the seventh of section 2 of this hub's own contract with its
partners. A rule without a case stands there as a Reason, saying why (it binds the other side, it is a figure that the benchmark
measures). Below transport/, modules/ and tolerance/ each case names its rules in its decorator, @rule("OCPI 1.3-4"); requests and
expected answers are written out, and tests/sim plays the partners.

How to run it: python3 -m pytest -q tests/conformance (HUB_BIN names the folder of other programs than build/bin). At its end
stands a table of all rules with their result. Of a part of the suite (one folder, one file, -k) the table shows the rules that
it ran. A rule with neither a case nor a reason, a case of an unknown rule and a rule listed twice are errors of the suite.
"""
