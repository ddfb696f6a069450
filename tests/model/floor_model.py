#!/usr/bin/env python3
"""The floor's rules as a model (floor.pml), explored exhaustively by spin; and broken ones, which it must find out.

usage: floor_model.py

Prints the number of states of each run. With CROSSPATCH_LONG=1 one message of the floor more gets lost in each.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "floor.pml")
LONG = os.environ.get("CROSSPATCH_LONG") == "1"
FAULTS = {1: "fault!=1", 2: "held[p]==0", 3: "fault!=3", 4: "fault!=4", 5: "fault!=5"}  # by BROKEN


class Run:
    """One exploration: what spin said of it."""

    def __init__(self, sizes, cycles=False):
        with tempfile.TemporaryDirectory() as folder:
            words = [f"-D{name}={value}" for name, value in sizes.items()]
            self.call(folder, "spin", *words, "-a", MODEL)
            self.call(folder, "gcc", "-O2", "-DNP" if cycles else "-DSAFETY", "-DNOREDUCE", "-DNOFAIR", "-DMEMLIM=8000", "-o", "pan", "pan.c")
            # -E: that a process stops is no fault in itself; Watch says whether it may.
            self.text = self.call(folder, "./pan", "-E", "-m100000", "-w24", *(["-l"] if cycles else []))
        self.errors = int(re.search(r"errors: (\d+)", self.text).group(1))
        self.states = int(float(re.search(r"([\d.e+]+) states, stored", self.text).group(1)))
        self.unreached = [line for line in self.text.splitlines() if ".pml:" in line and "state" in line and "-end-" not in line]

    @staticmethod
    def call(folder, *words):
        run = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=3000)
        if run.returncode != 0 and words[0] != "./pan":
            raise RuntimeError(f"{' '.join(words)}: {run.stdout}")
        return run.stdout


class Floor(unittest.TestCase):
    def explore(self, sizes, cycles=False):
        run = Run(sizes, cycles)
        print(f"{'cycles' if cycles else 'safety'} {sizes}: {run.states} states, {run.errors} errors", flush=True)
        self.assertEqual(0, run.errors, run.text)
        self.assertNotIn("max search depth too small", run.text)
        self.assertNotIn("out of memory", run.text)
        self.assertGreater(run.states, 100_000)
        if not cycles:
            self.assertEqual([], run.unreached, "parts of the model that never happen prove nothing")

    def test_no_order_of_events_breaks_a_rule_and_every_run_ends_in_peace(self):
        self.explore({"LOSSES": 2 if LONG else 1, "PLACES": 2})
        self.explore({"LOSSES": 1 if LONG else 0, "PLACES": 1})  # where a full queue lets its last go

    def test_no_run_goes_round_in_circles(self):
        self.explore({"LOSSES": 1 if LONG else 0, "PLACES": 2}, cycles=True)

    def test_every_broken_floor_is_found_out(self):
        for broken, fault in FAULTS.items():
            run = Run({"BROKEN": broken})
            print(f"broken {broken}: found after {run.states} states", flush=True)
            self.assertGreater(run.errors, 0, f"BROKEN={broken} was not found")
            self.assertIn(fault, run.text.split("assertion violated")[1].splitlines()[0])


if __name__ == "__main__":
    for program in ("spin", "gcc"):
        if not shutil.which(program):
            sys.exit(f"floor_model: {program} is missing; tools/install-deps brings it")
    unittest.main()
