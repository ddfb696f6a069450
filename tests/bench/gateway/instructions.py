"""Instructions of the media thread for each packet, by callgrind: the same on every run, whatever else the machine does."""
import glob
import re
import subprocess

from gateway.programs import PATIENCE, Load

# Threads that do the work are known by what only they call.
MEDIA_CALL = "recvmmsg"


class Counted:
    """A gateway under callgrind, and how many instructions its media thread took between two questions."""

    def __init__(self, folder, make, work):
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

    def counted(self):
        """Instructions of the media threads since the last dump."""
        total = 0
        for path in self.dump():
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
            if MEDIA_CALL in text:
                total += int(re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE).group(1))
        return total

    def per_packet(self, talkers, few, many):
        """The difference of a short and a long talkspurt, so that press, grant and release drop out."""
        counts = []
        for packets in (few, many):
            self.load.work.spurts = [(talker, 0, packets) for talker in talkers]
            self.dump()
            heard = self.load.run(self.gateway, "--closed", "--limit", PATIENCE)
            counts.append(self.counted())
            if heard["lost"] or heard["wrong"] or heard["sent"] != packets * len(talkers):
                raise RuntimeError(f"packets were lost: {heard}")
        return (counts[1] - counts[0]) / (many - few) / len(talkers)
