"""Floor decisions on the wire: handsets of 70 channels press a thousand times a second, and each Floor Request is timed
from its send call to the first Granted, Deny or Queue Position Info at its handset."""
import json
import statistics
import subprocess
import time

from gateway.programs import Bare, Daemon
from gateway.work import CM80, GCM128, GCM256, OPUS, Work

CHANNELS, HANDSETS, RATE = 70, 4, 1000
# The arbiter hears five Requests a second of one participant. These make 3.6 each.
QUEUES = (8, 1, 0)  # places, from channel to channel: who comes second waits, finds the queue full, or is denied
SETTLES = 1.0  # seconds, until all floors are idle and that has been told three times
SUITES = (GCM256, CM80, GCM128)


def town():
    work = Work()
    for number in range(CHANNELS):
        name = work.channel(f"desk{number}")
        work.channels[-1]["floor"] = {"lease": "600ms", "hang": "0s", "queue": QUEUES[number % len(QUEUES)]}
        for _ in range(HANDSETS):
            work.endpoint(name, OPUS, SUITES[number % len(SUITES)], ptt="mcptt")
    return work


class BareFloor(Bare):
    PROGRAM = "bare_floor"


class Presses:
    """Runs of the handsets; every run's messages follow those of the one before."""

    def __init__(self, folder, work):
        self.folder, self.work, self.index = folder, work, 1
        self.runs = []

    def run(self, gateway, seconds):
        path = self.folder.path("floor.work")
        self.work.write_work(path, gateway.gateway)
        done = subprocess.run([self.folder.program("floor_load"), path, "--rate", str(RATE), "--seconds", str(seconds),
                               "--first-index", str(self.index)], check=True, stdout=subprocess.PIPE, text=True)
        self.index += 100 * seconds  # a handset sends a dozen a second
        self.runs.append(json.loads(done.stdout))
        time.sleep(SETTLES)

    def total(self, what):
        return sum(run[what] for run in self.runs)

    def quantile(self, name):
        return statistics.median(run["answer_us"][name] for run in self.runs) / 1000


def presses(folder, figures, rounds, seconds):
    work = town()
    with Daemon(folder, work, workers="auto") as daemon, BareFloor(folder, work) as bare:
        ours, theirs = Presses(folder, work), Presses(folder, work)
        daemon.settle()
        for _ in range(rounds):
            ours.run(daemon, seconds)
            theirs.run(bare, seconds)
    name = f"floor decision, {RATE:,} requests/s"
    sent, answered = ours.total("sent"), ours.total("answered")
    told = ", ".join(f"{ours.total(what)} {what}" for what in ("granted", "queued", "denied"))
    rate = statistics.median(run["rate"] for run in ours.runs)
    figures.add(f"{name}: p50", ours.quantile("p50"), "ms", bare=theirs.quantile("p50"), note=f"{rate:.0f} a second; {told}")
    figures.add(f"{name}: p99", ours.quantile("p99"), "ms", bare=theirs.quantile("p99"), target=5.0)
    figures.add(f"{name}: max", max(run["answer_us"]["max"] for run in ours.runs) / 1000, "ms",
                bare=max(run["answer_us"]["max"] for run in theirs.runs) / 1000)
    figures.add(f"{name}: unanswered", sent - answered, "requests", bare=theirs.total("sent") - theirs.total("answered"),
                target=0, note=f"of {sent}; {answered} answered, {ours.total('repeated')} asked again, {ours.total('bad')} bad")
