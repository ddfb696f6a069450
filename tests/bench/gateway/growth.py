"""From 10 endpoints to 10,000: what a packet costs then, memory, time to start, and a reload that changes one."""
import statistics
import subprocess
import time

from gateway.programs import Daemon, Load
from gateway.work import FLOOR_SETTLES, OPUS, Work

A_CHANNEL = 8  # endpoints


def town(endpoints, seconds):
    """One active channel and idle ones. Those who never talk share the address of one sink, told apart by SSRC."""
    work = Work()
    work.talk(work.party("active", OPUS, OPUS, 1), seconds)
    sink = work.address()
    for number in range(2, endpoints):
        channel = f"idle{(number - 2) // A_CHANNEL}"
        if (number - 2) % A_CHANNEL == 0:
            work.channel(channel)
        work.endpoint(channel, OPUS, remote=sink, ssrc=1_000_000 + number)
    return work


def growth(folder, figures, rounds, seconds):
    works = {count: town(count, seconds) for count in (10, 10_000)}
    daemons = {count: Daemon(folder, work) for count, work in works.items()}
    try:
        for daemon in daemons.values():
            daemon.settle()
        cost = {count: [] for count in works}
        loads = {count: Load(folder, works[count], only=["active", "idle0"]) for count in works}
        for _ in range(rounds):
            for count, daemon in daemons.items():
                before = daemon.cpu_ns("media-")
                heard = loads[count].run(daemon)
                cost[count].append((daemon.cpu_ns("media-") - before) / heard["sent"] / 1000)
            time.sleep(FLOOR_SETTLES)
        figures.add("a packet with 10,000 endpoints", statistics.median(cost[10_000]), "us a frame",
                    bare=statistics.median(cost[10]), ratios=[a / b for a, b in zip(cost[10_000], cost[10])], target=1.10,
                    of="ratio", note="beside it: with 10 endpoints, in place of bare")
        figures.add("memory of an idle endpoint", (daemons[10_000].rss_kb() - daemons[10].rss_kb()) / 9990, "kB", target=4.0)
        figures.add("start with 10,000 endpoints", daemons[10_000].started, "s", target=1.0, note="exec to READY=1")
        reload(figures, daemons[10_000], works[10_000], loads[10_000])
    finally:
        for daemon in daemons.values():
            daemon.close()


def reload(figures, daemon, work, load):
    """While the active channel talks: one idle endpoint of 10,000 changes its packet time."""
    took = []
    talking = load.start(daemon)
    time.sleep(0.5)
    for ptime in ("40ms", "20ms", "40ms"):
        work.channels[5]["endpoints"][0]["ptime"] = ptime
        work.write_config(daemon.file, daemon.gateway, daemon.data)
        began = time.monotonic()
        try:
            daemon.ctl("reload")
        except subprocess.CalledProcessError as error:
            raise RuntimeError(f"reload: {error.stderr}{error.stdout}") from error
        took.append(1000 * (time.monotonic() - began))
    heard = load.finish(talking)
    figures.add("reload that changes one of 10,000", statistics.median(took), "ms", target=50.0,
                note=f"crosspatchctl reload; {min(took):.0f}-{max(took):.0f}")
    figures.add("the longest gap on another channel meanwhile", heard["longest_gap_ms"] - 20, "ms", target=20.0,
                note=f"beyond its 20 ms; {heard['lost']} packets lost")
