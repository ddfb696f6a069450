"""Instructions of the media thread for each packet, by callgrind: the same on every run, whatever else the machine does."""
import glob
import re
import subprocess
import time

from gateway.programs import PATIENCE, Load

# Threads that do the work are known by what only they call.
MEDIA_CALL = "recvmmsg"
# A pause of the machine that may have ended a talkspurt, whose next packet is a press then: once more.
LONGEST_PAUSE_MS, TRIES = 1500, 3


def thread_of(path):
    """The last part of a dump's name."""
    return path.rsplit("-", 1)[1]


def text_of(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


class Counted:
    """A gateway under callgrind, and how many instructions its media thread took between two questions."""

    def __init__(self, folder, make, work, settles):
        self.settles = settles  # seconds until a floor is free again
        self.out = folder.path("callgrind")
        self.gateway = make(folder, work, under=("valgrind", "--tool=callgrind", "--separate-threads=yes", "-q",
                                                 f"--callgrind-out-file={self.out}"))
        self.load = Load(folder, work)
        self.dumps = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.gateway.close()

    def dump(self):
        """Callgrind writes down what it has counted, and counts from 0 again; the files, one a thread."""
        self.dumps += 1
        subprocess.run(["callgrind_control", "--dump", str(self.gateway.pid)], check=True, capture_output=True, timeout=PATIENCE)
        return glob.glob(f"{glob.escape(self.out)}.{self.dumps}-*")

    def settle(self, talker):
        """Learns which threads are media threads, and what they do by the clock, which is no packet's."""
        self.dump()  # at its start another thread tries out what packets cost
        self.load.work.spurts = [(talker, 0, 1)]
        self.load.run(self.gateway, "--closed", "--limit", PATIENCE)
        time.sleep(self.settles)
        self.threads = {thread_of(path) for path in self.dump() if MEDIA_CALL in text_of(path)}
        self.idle, began = 0, self.start()
        time.sleep(2)
        self.idle = self.since(began) / (time.monotonic() - began)

    def start(self):
        self.dump()
        return time.monotonic()

    def since(self, began):
        """Instructions of the media threads since start(), but for what they do when idle."""
        took = time.monotonic() - began
        total = sum(int(re.search(r"^(?:totals|summary): (\d+)", text_of(path), re.MULTILINE).group(1))
                    for path in self.dump() if thread_of(path) in self.threads)
        return total - self.idle * took

    def per_packet(self, talkers, few, many):
        """The difference of a short and a long talkspurt, so that press, grant and release drop out."""
        short, long = (self.talkspurts(talkers, packets) for packets in (few, many))
        return (long - short) / (many - few) / len(talkers)

    def talkspurts(self, talkers, packets):
        """What one talkspurt of each takes, as fast as the gateway answers."""
        self.load.work.spurts = [(talker, 0, packets) for talker in talkers]
        for _ in range(TRIES):
            began = self.start()
            heard = self.load.run(self.gateway, "--closed", "--limit", PATIENCE)
            time.sleep(self.settles)  # the release is counted, too
            count = self.since(began)
            whole = not heard["lost"] and not heard["wrong"] and heard["sent"] == packets * len(talkers)
            if whole and heard["longest_gap_ms"] < LONGEST_PAUSE_MS:
                return count
        raise RuntimeError(f"no talkspurt without a pause in {TRIES} tries: {heard}")
