"""From 10 endpoints to 10,000: what a packet costs then, memory, time to start, and a reload that changes one."""
import statistics
import subprocess
import time

from gateway.programs import Daemon, Load
from gateway.work import OPUS, PACKETS_A_SECOND, Work

A_CHANNEL = 8  # endpoints
ACTIVE = 20    # channels that talk: enough packets to be measured beside everything else that happens


def town(idle, seconds, rtcp):
    """Active channels and idle endpoints. Those who never talk share the address of one sink, told apart by SSRC."""
    work = Work()
    for number in range(ACTIVE):
        work.talk(work.party(f"active{number}", OPUS, OPUS, 1), seconds)
    sink = work.address()
    for number in range(idle):
        channel = f"idle{number // A_CHANNEL}"
        if number % A_CHANNEL == 0:
            work.channel(channel)
        work.endpoint(channel, OPUS, remote=sink, ssrc=1_000_000 + number, rtcp=rtcp)
    return work


def growth(folder, figures, rounds, seconds):
    few, many = town(10, seconds, "off"), town(10_000, seconds, "off")
    with Daemon(folder, few) as small, Daemon(folder, many) as large:
        runs = [(small, Load(folder, few, active())), (large, Load(folder, many, active()))]
        costs = [[], []]
        for daemon, _ in runs:
            daemon.settle()
        for _ in range(rounds):
            for daemon, load in runs:
                costs[daemon is large].append(per_packet(daemon, load, seconds))
        figures.add("a packet with 10,000 endpoints", statistics.median(costs[1]), "us a frame", bare=statistics.median(costs[0]),
                    ratios=[b / a for a, b in zip(*costs)],
                    note=f"{ACTIVE} channels talk; beside it: with 10 idle endpoints; the gate counts instructions")
        without = small.rss_kb()
    work = town(10_000, seconds, "mux")
    with Daemon(folder, work) as daemon:
        figures.add("start with 10,000 endpoints", daemon.started, "s", target=1.0, note="exec to READY=1")
        daemon.settle()
        figures.add("memory of an idle endpoint", (daemon.rss_kb() - without) / 9990, "kB", target=4.0)
        figures.add("10,000 idle endpoints, RTCP on", used(daemon, lambda: time.sleep(2 * seconds)) / seconds / 2e4, "% of a core",
                    note="media thread; 2,000 reports a second")
        reload(figures, daemon, work, Load(folder, work, active()))


def active():
    """Whom the load generator knows of; the sink is the address of the first idle channel's endpoints."""
    return [f"active{number}" for number in range(ACTIVE)] + ["idle0"]


def per_packet(daemon, load, seconds):
    """CPU of the media thread for one packet in us, without what it takes when nobody talks."""
    idle = used(daemon, lambda: time.sleep(seconds))
    talking = used(daemon, lambda: load.run(daemon))
    return (talking - idle) / (ACTIVE * PACKETS_A_SECOND * seconds)


def used(daemon, do):
    """CPU time of the media thread meanwhile, in us."""
    before = daemon.cpu_ns("media-")
    do()
    return (daemon.cpu_ns("media-") - before) / 1000


def reload(figures, daemon, work, load):
    """While the active channel talks: one idle endpoint of 10,000 changes its packet time."""
    took = []
    talking = load.start(daemon)
    time.sleep(0.5)
    for ptime in ("40ms", "20ms", "40ms"):
        work.channels[ACTIVE + 5]["endpoints"][0]["ptime"] = ptime
        daemon.write_config(work)
        began = time.monotonic()
        try:
            daemon.ctl("reload")
        except subprocess.CalledProcessError as error:
            raise RuntimeError(f"reload: {error.stderr}{error.stdout}") from error
        took.append(1000 * (time.monotonic() - began))
    heard = load.finish(talking)
    figures.add("reload that changes one of 10,000", statistics.median(took), "ms", target=50.0,
                note=f"crosspatchctl reload; {min(took):.0f}-{max(took):.0f}")
    # Between two packets of a talker whom the same CPU delays there is a gap, too, that no gateway made.
    waited = (heard["delay_us"]["max"] - heard["delay_us"]["p50"]) / 1000
    figures.add("the gap on other channels meanwhile", waited, "ms", target=20.0,
                note=f"what its slowest packet waited beyond the median; {heard['lost']} packets lost")
