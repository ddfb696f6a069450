#!/usr/bin/env python3
"""The gate on the cost of a packet: instructions of our media thread divided by the bare gateway's.

Reports are sent by the clock and not by the packet, so RTCP is off here; everything else is on.
"""
import argparse
import sys

from gateway import growth
from gateway.figures import HEAD, Figures
from gateway.instructions import Counted
from gateway.programs import Bare, Daemon, Folder, Load, raise_limits
from gateway.work import FLOOR, OPUS, OPUS_8K, Work

MOST = {"PCMU -> Opus": 1.10, "Opus -> PCMU": 1.10, "M2 each extra listener": 1.10,
        # Once a packet, whoever hears it: floor, demultiplexing, arrival statistics, timers. The bare gateway has none, and
        # one listener does not spread them; 3,300 instructions are about as long as one of its two system calls.
        "relay 1 -> 1": 1.85}
FEW, MANY, MOST_GROWTH = 10, 3000, 1.10  # idle endpoints; 10,000 would start for minutes under valgrind
TRANSCODED_CHANNELS = 40
LEASE, FLOOR_SETTLES = "2s", 2.3  # under valgrind 40 channels wait long for their turns
# Of the short and of the long talkspurt.
PACKETS = {"relay 1 -> 1": (20, 620), "relay 1 -> 50": (10, 110), "relay 1 -> 200": (10, 60), "PCMU -> Opus": (2, 17),
           "Opus -> PCMU": (2, 17)}


def everything():
    """All channels in one configuration, so that valgrind starts each gateway once: {name: talkers}."""
    work = Work()
    talkers = {f"relay 1 -> {count}": [work.party(f"relay{count}", OPUS, OPUS, count)] for count in (1, 50, 200)}
    for name, talker, listener in (("PCMU -> Opus", "pcmu", OPUS_8K), ("Opus -> PCMU", OPUS, "pcmu")):
        talkers[name] = [work.party(f"{name[:4].lower().strip()}{i}", talker, listener, 1)
                         for i in range(TRANSCODED_CHANNELS)]
    for channel in work.channels:
        channel["floor"] = {**FLOOR, "lease": LEASE}
        for one in channel["endpoints"]:
            one["rtcp"] = "off"
    work.spurts = [(talker, 0, 1) for group in talkers.values() for talker in group]
    return work, talkers


def measure(folder, program):
    """Instructions for each packet that came in, by scenario."""
    work, talkers = everything()
    settles = FLOOR_SETTLES if program is Daemon else 0.1
    with Counted(folder, program, work, settles) as counted:
        if program is Daemon:
            counted.gateway.settle()
        counted.settle(work.spurts[0][0])
        found = {}
        for name, group in talkers.items():
            found[name] = counted.per_packet(group, *PACKETS[name])
        return found


def among(folder, idle):
    """The same for a relayed packet among so many endpoints that only sit there."""
    work = growth.town(idle, 1, "off")
    for channel in work.channels:
        channel["floor"] = {**FLOOR, "lease": LEASE}
    talker = work.spurts[0][0]
    with Counted(folder, Daemon, work, FLOOR_SETTLES) as counted:
        counted.load = Load(folder, work, growth.active())
        counted.gateway.settle()
        counted.settle(talker)
        return counted.per_packet([talker], *PACKETS["relay 1 -> 1"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="where crosspatchd, bare_gateway and load_generator are, built without sanitizers")
    parser.add_argument("--growth", action="store_true", help=f"also what a packet costs among {MANY} endpoints: a minute more")
    options = parser.parse_args()
    raise_limits()
    figures = Figures()
    print(HEAD)
    with Folder(options.build) as folder:
        folder.strip(("crosspatchd", "bare_gateway", "load_generator"))
        ours, bare = measure(folder, Daemon), measure(folder, Bare)
        few, many = (among(folder, count) for count in (FEW, MANY)) if options.growth else (None, None)
    for found in (ours, bare):
        found["M2 each extra listener"] = (found["relay 1 -> 200"] - found["relay 1 -> 50"]) / 150
    for name in ours:
        figures.add(name, ours[name], "instructions", bare=bare[name], ratios=[ours[name] / bare[name]], target=MOST.get(name),
                    of="ratio")
    if options.growth:
        figures.add(f"relay 1 -> 1 among {MANY} idle endpoints", many, "instructions", bare=few, ratios=[many / few],
                    target=MOST_GROWTH, of="ratio", note=f"beside it: among {FEW}, in place of bare")
    figures.print_json()
    return 1 if figures.missed() else 0


if __name__ == "__main__":
    sys.exit(main())
