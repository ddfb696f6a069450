#!/usr/bin/env python3
"""The city for as long as asked: no packet lost in the gateway, and its memory, open files and delay stay flat.

Ten of the 70 bridges are open and ten groups talk side by side. What grows with the time is found by comparing the last
third of the run with the middle one; the first third fills pools and caches.
"""
import argparse
import statistics
import sys
import time

from gateway.city import city
from gateway.programs import Daemon, Folder, Load, raise_limits

SAMPLES = 30
MORE_MEMORY_KB = 512   # page-wise growth of the log's index and of the allocator between two thirds
MOST_DELAY_MS = 5.0    # p99, as in gateway_bench.py
MORE_DELAY = 2.0       # times the middle third's p99, and
MORE_DELAY_MS = 1.0    # at least so much more: other programs of this machine are heard, too


def watch(daemon, talking, seconds):
    """[(RSS in kB, open files)], evenly over the run."""
    samples = []
    until = time.monotonic() + seconds
    while time.monotonic() < until and talking.poll() is None:
        if daemon.process.poll() is not None:
            raise RuntimeError(f"crosspatchd has ended: {daemon.said()}")
        samples.append((daemon.rss_kb(), daemon.open_files()))
        time.sleep(seconds / SAMPLES)
    return samples


def thirds(values):
    """Medians of the middle and of the last third."""
    third = len(values) // 3
    return statistics.median(values[third:2 * third]), statistics.median(values[2 * third:])


def judge(heard, samples):
    """What is wrong, in words."""
    wrong = []
    for what in ("lost", "stray", "wrong"):
        if heard[what]:
            wrong.append(f"{heard[what]} packets {what}")
    memory, memory_end = thirds([kb for kb, _ in samples])
    files, files_end = thirds([count for _, count in samples])
    delay, delay_end = thirds([one["p99"] / 1000 for one in heard["slices"] if one])
    p99 = heard["delay_us"]["p99"] / 1000
    print(f"RSS {memory:.0f} -> {memory_end:.0f} kB, open files {files:.0f} -> {files_end:.0f}, "
          f"p99 delay {delay:.2f} -> {delay_end:.2f} ms (p50 {heard['delay_us']['p50'] / 1000:.2f}, p99 of all {p99:.2f}, "
          f"max {heard['delay_us']['max'] / 1000:.1f})")
    if memory_end - memory > MORE_MEMORY_KB:
        wrong.append(f"memory grows by {memory_end - memory:.0f} kB a third of the run")
    if files_end > files:
        wrong.append("open files grow in number")
    if p99 > MOST_DELAY_MS:
        wrong.append(f"p99 delay {p99:.1f} ms")
    if delay_end > max(MORE_DELAY * delay, delay + MORE_DELAY_MS):
        wrong.append(f"delay grows from {delay:.2f} to {delay_end:.2f} ms")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="where crosspatchd and load_generator are, built without sanitizers")
    parser.add_argument("--seconds", type=int, default=30)
    options = parser.parse_args()
    raise_limits()
    work = city(bridges=10, talking=10, seconds=options.seconds)
    with Folder(options.build) as folder, Daemon(folder, work, workers="auto") as daemon:
        daemon.settle()
        load = Load(folder, work)
        talking = load.start(daemon, "--slice", max(1, options.seconds // SAMPLES))
        samples = watch(daemon, talking, options.seconds)
        heard = load.finish(talking)
    print(f"{options.seconds} s: {heard['sent']} packets said, {heard['expected']} heard, {heard['checked']} looked into")
    wrong = judge(heard, samples)
    for one in wrong:
        print(f"gateway_soak: {one}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
