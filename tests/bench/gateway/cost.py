"""What packets cost on the media thread, ours beside the bare gateway's, in interleaved rounds: M1, M2, M4, M5, M10."""
import statistics
import time

from gateway.programs import Bare, Daemon, Load
from gateway.work import FLOOR_SETTLES, OPUS, OPUS_8K, PACKETS_A_SECOND, Work


class Comparison:
    """Rounds of the same load against both gateways."""

    def __init__(self, folder, work, rounds):
        self.ours, self.bare = [], []  # CPU of the media thread, us for each packet that came in
        self.process = []              # of our whole process
        self.delays, self.bare_delays = [], []
        self.lost = self.wrong = self.bare_lost = 0
        with Daemon(folder, work) as daemon, Bare(folder, work) as bare:
            load = Load(folder, work)
            daemon.settle()
            for number in range(rounds):
                for gateway in (daemon, bare) if number % 2 == 0 else (bare, daemon):
                    self.round(load, gateway)
                time.sleep(FLOOR_SETTLES)
            self.inside = daemon.delays()

    def round(self, load, gateway):
        media, whole = gateway.cpu_ns("media-"), gateway.cpu_ns()
        heard = load.run(gateway)
        cost = (gateway.cpu_ns("media-") - media) / heard["sent"] / 1000
        whole = (gateway.cpu_ns() - whole) / heard["sent"] / 1000
        if isinstance(gateway, Daemon):
            self.ours.append(cost)
            self.process.append(whole)
            self.delays.append(heard["delay_us"])
            self.lost += heard["lost"] + heard["stray"]
            self.wrong += heard["wrong"]
        else:
            self.bare.append(cost)
            self.bare_delays.append(heard["delay_us"])
            self.bare_lost += heard["lost"]

    def ratios(self):
        return [ours / bare for ours, bare in zip(self.ours, self.bare)]

    def delay(self, quantile):
        return statistics.median(one[quantile] for one in self.delays) / 1000

    def add_cost(self, figures, name, **more):
        note = f"whole process {statistics.median(self.process):.0f} us"
        note += f"; LOST {self.lost}, bare {self.bare_lost}" if self.lost or self.bare_lost else ""
        note += f"; WRONG {self.wrong}" if self.wrong else ""
        figures.add(name, statistics.median(self.ours), "us a frame", bare=statistics.median(self.bare), ratios=self.ratios(),
                    note=note, **more)


def one_to(listeners, talker=OPUS, listener=OPUS, seconds=4.0, channels=1):
    work = Work()
    for number in range(channels):
        work.talk(work.party(f"c{number}", talker, listener, listeners), seconds)
    return work


def quantile(buckets, share):
    """Of a Prometheus histogram, in ms: as its own histogram_quantile() has it."""
    wanted, below, count_below = buckets[-1][1] * share, 0.0, 0.0
    for limit, count in buckets:
        if count >= wanted:
            return 1000 * (below + (limit - below) * (wanted - count_below) / max(count - count_below, 1))
        below, count_below = limit, count
    return 1000 * below


def relay(folder, figures, rounds, seconds):
    """Pass-through 1 to 1, 50 and 200 with the cost of each extra listener, and 100,000 packets a second."""
    found = {count: Comparison(folder, one_to(count, seconds=seconds), rounds) for count in (1, 10, 50, 200)}
    one_channel(figures, found[1])
    for count in (50, 200):
        found[count].add_cost(figures, f"relay 1 -> {count}")
    add_slope(figures, "M2 relay, each extra listener", found, (1, 50, 200))
    add_delay(figures, found[10], 10, 0.15, 1.0)
    add_delay(figures, found[200], 200, 0.5, 2.0)
    figures.add("M4 relay 1 -> 200, packets lost", found[200].lost, "packets", bare=found[200].bare_lost, target=0)
    full = Comparison(folder, one_to(100, seconds=seconds, channels=20), rounds)
    full.add_cost(figures, "relay 20 x 100, 100,000 packets/s out")
    share = statistics.median(full.ours) * 20 * PACKETS_A_SECOND / 1e6
    figures.add("M4 the same, share of a core", 100 * share, "%", bare=100 * statistics.median(full.bare) / 1000, target=30.0)
    figures.add("M4 the same, packets lost", full.lost, "packets", bare=full.bare_lost, target=0)


def one_channel(figures, found):
    found.add_cost(figures, "relay 1 -> 1")
    share = 100 * PACKETS_A_SECOND / 1e6
    figures.add("M10 one active relay channel", share * statistics.median(found.ours), "% of a core",
                bare=share * statistics.median(found.bare), target=0.4)


def slope(points):
    """Least squares of [(x, y)]."""
    middle_x, middle_y = statistics.mean(x for x, _ in points), statistics.mean(y for _, y in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / sum((x - middle_x) ** 2 for x, _ in points)


def add_slope(figures, name, found, counts):
    rounds = range(len(found[counts[0]].ours))
    ours = [slope([(count, found[count].ours[i]) for count in counts]) for i in rounds]
    bare = [slope([(count, found[count].bare[i]) for count in counts]) for i in rounds]
    figures.add(name, statistics.median(ours), "us a frame", bare=statistics.median(bare),
                ratios=[a / b for a, b in zip(ours, bare)], target=1.10, of="ratio")


def add_delay(figures, found, listeners, p50, p99):
    """From the send call of the talker to the stamp at the listener; and what the daemon itself says."""
    bare = {name: statistics.median(one[name] for one in found.bare_delays) / 1000 for name in ("p50", "p99")}
    inside = {name: quantile(found.inside, share) for name, share in (("p50", 0.5), ("p99", 0.99))}
    for name, target in (("p50", p50), ("p99", p99)):
        figures.add(f"M5 delay at {listeners} listeners, {name}", found.delay(name), "ms", bare=bare[name], target=target,
                    note=f"by its own histogram {inside[name]:.3f}")


def transcoding(folder, figures, rounds, many_rounds, seconds):
    """Both ways, 40 channels of one listener, and one channel of 50."""
    for name, talker, listener in (("PCMU -> Opus", "pcmu", OPUS_8K), ("Opus -> PCMU", OPUS, "pcmu")):
        forty = Comparison(folder, one_to(1, talker, listener, seconds, channels=40), many_rounds)
        forty.add_cost(figures, f"M1 {name}, 40 x 1 (gate: instructions)")
        found = {count: Comparison(folder, one_to(count, talker, listener, seconds), rounds) for count in (1, 50)}
        found[50].add_cost(figures, f"{name}, 1 -> 50")
        add_slope(figures, f"M2 {name}, each extra listener", found, (1, 50))
