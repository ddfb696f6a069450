"""One police talkgroup and 70 private channels of 8 endpoints each, in mixed codecs and suites."""
import itertools

from gateway.programs import Daemon, Load
from gateway.work import CM80, GCM128, GCM256, OPUS, OPUS_8K, PACKETS_A_SECOND, Work

CHANNELS, ENDPOINTS = 70, 8
CODECS = (OPUS, "pcmu", OPUS_8K, "pcma", OPUS, "g722", "pcmu", "gsm")
SHORTEST, LONGEST, PAUSE = 1.0, 8.0, (0.8, 1.2)  # seconds of a talkspurt, and until the next of its group


def city(bridges, talking, seconds, seed=7):
    """`bridges` of the 70 are open, and `talking` groups talk at any time: the police group with all that is bridged
    to it is the first of them; the others are disjoint sets of channels with no open bridge."""
    work = Work(seed)
    kinds = itertools.cycle(itertools.product((GCM256, CM80, GCM128), CODECS))
    names = [work.channel("police", "metro-pd")] + [work.channel(f"private{i}") for i in range(CHANNELS)]
    members = {name: [work.endpoint(name, codec, suite) for suite, codec in itertools.islice(kinds, ENDPOINTS)]
               for name in names}
    for number in range(CHANNELS):
        work.bridge(f"bridge{number}", "police", f"private{number}", "always" if number < bridges else "on_request")
    apart = names[1 + bridges:]
    groups = [names[:1] if bridges == CHANNELS else names[:1 + bridges]]
    groups += [apart[i::talking - 1] for i in range(talking - 1)]
    for group in groups:
        schedule(work, [name for channel in group for name in members[channel]], seconds)
    return work


def schedule(work, talkers, seconds):
    """One after the other of the group, at random, each until he is done."""
    at = work.random.uniform(0, 0.5)
    while at + SHORTEST < seconds:
        length = min(work.random.uniform(SHORTEST, LONGEST), seconds - at)
        work.talk(work.random.choice(talkers), length, at)
        at += length + work.random.uniform(*PAUSE)


def cities(folder, figures, seconds):
    for name, bridges, talking in (("city, 10 of 70 bridges, 10 talkspurts", 10, 10),
                                   ("city, 70 bridges, one police talkspurt", 70, 1)):
        work = city(bridges, talking, seconds)
        with Daemon(folder, work, workers="auto") as daemon:
            daemon.settle()
            before = daemon.cpu_ns("media-")
            heard = Load(folder, work).run(daemon)
            busy = (daemon.cpu_ns("media-") - before) / seconds / 1e7
        delay = heard["delay_us"]
        figures.add(f"{name}: lost", heard["lost"] + heard["stray"] + heard["wrong"], "packets", target=0,
                    note=f"of {heard['expected']}, {heard['sent'] / PACKETS_A_SECOND / seconds:.1f} talking on average")
        figures.add(f"{name}: p99", delay["p99"] / 1000, "ms", target=5.0,
                    note=f"p50 {delay['p50'] / 1000:.2f}, media threads {busy:.1f} % of a core")
