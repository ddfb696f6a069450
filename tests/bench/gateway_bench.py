#!/usr/bin/env python3
"""The whole gateway, with everything on, beside a bare gateway that does the same work and nothing else.

Rounds of both are interleaved, and what counts is the median of their ratios: the machine's other load changes absolute
times from minute to minute. Prints a table with every target, and the same as one JSON line for compare.py.
"""
import argparse
import functools
import time

from gateway import city, cost, growth, idle, presses, rtpengine
from gateway.figures import HEAD, Figures
from gateway.programs import Folder, raise_limits


def subjects(short):
    rounds, many, seconds = (1, 3, 2) if short else (3, 9, 4)
    return {
        "relay": functools.partial(cost.relay, rounds=rounds, seconds=seconds),
        "transcoding": functools.partial(cost.transcoding, rounds=rounds, many_rounds=many, seconds=2 if short else 3),
        "wake-ups": functools.partial(idle.wake_ups, seconds=4 if short else 12),
        "memory": idle.memory,
        "growth": functools.partial(growth.growth, rounds=2 if short else 5, seconds=seconds),
        "presses": functools.partial(presses.presses, rounds=rounds, seconds=3 if short else 10),
        "city": functools.partial(city.cities, seconds=10 if short else 30),
        "rtpengine": functools.partial(rtpengine.peer, rounds=rounds, seconds=seconds)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="where crosspatchd, crosspatchctl, bare_gateway, load_generator, bare_floor and floor_load are")
    parser.add_argument("--short", action="store_true", help="fewer and shorter rounds: about three minutes")
    parser.add_argument("--only", choices=list(subjects(False)), action="append", help="one subject; may be repeated")
    options = parser.parse_args()
    raise_limits()
    began, figures = time.monotonic(), Figures()
    print(HEAD)
    with Folder(options.build) as folder:
        for name, run in subjects(options.short).items():
            if not options.only or name in options.only:
                run(folder, figures)
    print(f"{time.monotonic() - began:.0f} s; targets missed: {', '.join(figures.missed()) or 'none'}")
    figures.print_json()


if __name__ == "__main__":
    main()
