"""What nobody's talking costs: wake-ups of an idle worker and of an idle channel (M10), and memory (M8)."""
import time

from gateway.programs import Bare, Daemon, Load
from gateway.work import FLOOR_SETTLES, OPUS, OPUS_8K, Work

RTCP_A_SECOND = 1.0  # the one wheel that all channels' reports share


def wake_ups(folder, figures, seconds):
    """An idle worker; then one with 50 idle channels, whose RTCP shares one wheel."""
    for name, channels, most in (("an idle worker", 0, 2.5), ("50 idle channels, RTCP on", 50, 2.5 + RTCP_A_SECOND),
                                 ("50 idle channels, RTCP off", 50, 2.5)):
        work = Work()
        for number in range(channels):
            work.party(f"c{number}", OPUS, OPUS, 1)
        if not channels:
            work.channel("empty")
        if name.endswith("off"):
            for channel in work.channels:
                for one in channel["endpoints"]:
                    one["rtcp"] = "off"
        with Daemon(folder, work) as daemon:
            daemon.settle()
            time.sleep(1)
            before, cpu = daemon.wake_ups("media-"), daemon.cpu_ns("media-")
            time.sleep(seconds)
            used = (daemon.cpu_ns("media-") - cpu) / seconds / 1e7
            figures.add(f"M10 {name}", (daemon.wake_ups("media-") - before) / seconds, "wake-ups/s", target=most,
                        note=f"{used:.3f} % of a core")


def resident(folder, work, program):
    """RSS in kB when all who talk have talked for a second."""
    with program(folder, work) as gateway:
        if isinstance(gateway, Daemon):
            gateway.settle()
        Load(folder, work).run(gateway)
        time.sleep(FLOOR_SETTLES)
        return gateway.rss_kb()


def grown(folder, make, few, many, program):
    """kB for each one more, between a few and many."""
    return (resident(folder, make(many), program) - resident(folder, make(few), program)) / (many - few)


def listeners(count):
    work = Work()
    work.talk(work.party("crowd", OPUS, OPUS, count), 1)
    return work


def transcoded(count):
    work = Work()
    for number in range(count):
        work.talk(work.party(f"c{number}", "pcmu", OPUS_8K, 1), 1, start=number * 0.01)
    return work


def memory(folder, figures):
    figures.add("M8 memory of an SRTP listener", grown(folder, listeners, 200, 1700, Daemon), "kB",
                bare=grown(folder, listeners, 200, 1700, Bare), target=2.0, note="after it has been talked to")
    figures.add("M8 memory of a transcoded channel", grown(folder, transcoded, 20, 120, Daemon), "kB",
                bare=grown(folder, transcoded, 20, 120, Bare), target=100.0, note="with its two endpoints, after talk")
