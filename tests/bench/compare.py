#!/usr/bin/env python3
"""What got better or worse between two runs of gateway_bench.py or gateway_gate.py: compare.py A.json B.json

Each file is the JSON line of a run, or all that the run printed. Where a figure has a ratio to the bare gateway, that is
compared, since it does not depend on the day; else the figure itself. Less is better everywhere. A change counts when
it is more than 5 % and, for ratios, when the spreads of the rounds do not meet. The exit code is 1 if a target that A
met is missed by B.
"""
import argparse
import json
import sys

COUNTS = 0.05  # share


def read(path):
    """{name: row} of the last JSON line."""
    with open(path, encoding="utf-8") as file:
        found = [line for line in file if line.startswith('{"figures"')]
    if not found:
        sys.exit(f"compare: {path} has no line of figures")
    return {row["name"]: row for row in json.loads(found[-1])["figures"]}


def value(row, by_ratio):
    return row["ratio"] if by_ratio else row["ours"]


def judge(old, new, change, by_ratio):
    """better, worse or nothing."""
    if by_ratio and old["spread"][0] <= new["spread"][1] and new["spread"][0] <= old["spread"][1] and len(
            {*old["spread"], *new["spread"]}) > 2:
        return ""
    if abs(change) <= COUNTS:
        return ""
    return "worse" if change > 0 else "better"


def compare(old, new):
    """One row's line, and whether a target was lost."""
    by_ratio = old["ratio"] is not None and new["ratio"] is not None
    before, after = value(old, by_ratio), value(new, by_ratio)
    change = (after - before) / before if before else float(after > before)
    verdict = judge(old, new, change, by_ratio)
    lost = old["met"] is True and new["met"] is False
    target = "now MISSED" if lost else "now met" if old["met"] is False and new["met"] else ""
    unit = "x bare" if by_ratio else new["unit"]
    return f"{new['name']:<46} {before:>9g} {after:>9g} {unit:<16} {100 * change:>+7.1f} % {verdict:<7} {target}".rstrip(), lost


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a")
    parser.add_argument("b")
    options = parser.parse_args()
    old, new = read(options.a), read(options.b)
    any_lost = False
    print(f"{'scenario':<46} {'A':>9} {'B':>9} {'':<16} {'change':>9}")
    for name, row in new.items():
        if name in old:
            line, lost = compare(old[name], row)
            any_lost |= lost
            print(line)
    for names, where in ((old.keys() - new.keys(), "A"), (new.keys() - old.keys(), "B")):
        if names:
            print(f"only in {where}: {', '.join(sorted(names))}")
    return 1 if any_lost else 0


if __name__ == "__main__":
    sys.exit(main())
