#!/usr/bin/env python3
"""compare.py says what got better or worse, and fails only where a target was lost."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

COMPARE = sys.argv.pop(1)


def row(name, ours, ratio=None, spread=None, met=None):
    return {"name": name, "ours": ours, "unit": "us", "bare": None, "ratio": ratio, "spread": spread, "target": None,
            "of": "ours", "met": met, "note": ""}


class Compare(unittest.TestCase):
    def compare(self, old, new, before="a table\n"):
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in "AB"]
            for path, rows in zip(paths, (old, new)):
                with open(path, "w", encoding="ascii") as file:
                    file.write(before + json.dumps({"figures": rows}, separators=(",", ":")) + "\n")
            run = subprocess.run([COMPARE, *paths], capture_output=True, text=True, check=False)
        return run.returncode, run.stdout

    def test_more_is_worse_and_less_is_better_by_so_many_percent(self):
        code, said = self.compare([row("a", 10.0), row("b", 10.0), row("c", 10.0)], [row("a", 12.0), row("b", 5.0), row("c", 10.2)])
        lines = said.splitlines()
        self.assertEqual(0, code)
        self.assertRegex(lines[1], r"^a .*\+20\.0 % worse$")
        self.assertRegex(lines[2], r"^b .*-50\.0 % better$")
        self.assertRegex(lines[3], r"^c .*\+2\.0 %$")

    def test_ratios_count_before_times_and_only_where_their_spreads_do_not_meet(self):
        near, far = row("a", 10.0, 1.1, [1.0, 1.3]), row("a", 50.0, 1.2, [1.1, 1.4])
        self.assertRegex(self.compare([near], [far])[1].splitlines()[1], r"\+9\.1 %$")
        far = row("a", 5.0, 1.5, [1.4, 1.6])
        self.assertRegex(self.compare([near], [far])[1].splitlines()[1], r"\+36\.4 % worse$")

    def test_a_target_that_was_met_and_is_missed_fails(self):
        self.assertEqual(1, self.compare([row("a", 1.0, met=True)], [row("a", 3.0, met=False)])[0])
        code, said = self.compare([row("a", 3.0, met=False)], [row("a", 1.0, met=True)])
        self.assertEqual(0, code)
        self.assertIn("now met", said)

    def test_what_only_one_has_is_named(self):
        said = self.compare([row("old", 1.0)], [row("new", 1.0)])[1]
        self.assertIn("only in A: old", said)
        self.assertIn("only in B: new", said)


if __name__ == "__main__":
    unittest.main()
