"""A peer on the same work, where this machine has it: rtpengine with one talker and 50 transcoded SRTP listeners (M3).

rtpengine is asked over its ng protocol (bencoded dictionaries in UDP): the talker publishes, each listener subscribes and
is offered Opus only. It encodes once for each listener; we encode once.
"""
import copy
import re
import shutil
import socket
import statistics
import subprocess
import time

from gateway.programs import Daemon, Load, Process
from gateway.work import CM80, FLOOR_SETTLES, OPUS_8K, Work

LISTENERS = 50


def bencode(value):
    if isinstance(value, dict):
        return b"d" + b"".join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b"e"
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    octets = value.encode()
    return str(len(octets)).encode() + b":" + octets


def text_after(answer, key):
    """The string that belongs to `key` in a bencoded dictionary."""
    found = re.search(str(len(key)).encode() + b":" + key.encode() + rb"(\d+):", answer)
    if not found:
        raise RuntimeError(f"rtpengine: {answer!r}")
    return answer[found.end():found.end() + int(found.group(1))].decode()


class Rtpengine(Process):
    """Set up for the work; `work` is then that work with rtpengine's ports, keys and payload types."""

    def __init__(self, folder, work):
        self.ng = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.ng.settimeout(5)
        self.asked = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            self.control = free.getsockname()
        super().__init__(["rtpengine", "--foreground", "--log-stderr", "--log-level=3", "--table=-1", "--interface=127.0.0.1",
                          f"--listen-ng=127.0.0.1:{self.control[1]}", f"--pidfile={folder.path('pid')}", "--port-min=50000",
                          "--port-max=59000"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            self.negotiate(work)
        except (RuntimeError, OSError, AttributeError):  # no answer, or none that says what we need
            self.close()
            raise

    def negotiate(self, work):
        time.sleep(1)
        self.work = copy.deepcopy(work)
        channel = self.work.channels[0]
        talker, *listeners = channel["endpoints"]
        answer = self.ask("publish", "talker", sdp=sdp(talker, talker["srtp"]["receive"], "0", "PCMU/8000", "sendonly"))
        self.gateway = "127.0.0.1:" + re.search(r"m=audio (\d+)", answer).group(1)
        for listener in listeners:
            self.subscribe(listener)

    def close(self):
        self.ng.close()
        super().close()

    def ask(self, command, from_tag, **more):
        request = {"command": command, "call-id": "bench", "from-tag": from_tag, **more}
        self.asked += 1  # a cookie that was used already gets the answer of then
        self.ng.sendto(str(self.asked).encode() + b" " + bencode(request), self.control)
        answer = self.ng.recv(65536)
        if text_after(answer, "result") != "ok":
            raise RuntimeError(f"rtpengine: {answer!r}")
        return text_after(answer, "sdp") if b"3:sdp" in answer else ""

    def subscribe(self, listener):
        tag = {"to-tag": listener["id"]}
        offer = self.ask("subscribe request", "talker", codec={"strip": ["all"], "transcode": ["opus"]}, **tag)
        number, key = re.search(rf"a=crypto:(\d+) {CM80} inline:([A-Za-z0-9+/=]+)", offer).groups()
        payload_type, name = re.search(r"a=rtpmap:(\d+) (opus/\S+)", offer).groups()
        answer = sdp(listener, listener["srtp"]["receive"], payload_type, name, "recvonly", number)
        self.ask("subscribe answer", "talker", flags=["allow transcoding"], sdp=answer, **tag)
        listener["srtp"]["send"], listener["payload_type"] = key, int(payload_type)


def sdp(endpoint, key, payload_type, codec, direction, number="1"):
    host, port = endpoint["remote"].rsplit(":", 1)
    return "\r\n".join(["v=0", f"o=- 1 1 IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0",
                        f"m=audio {port} RTP/SAVP {payload_type}", f"a=rtpmap:{payload_type} {codec}", "a=ptime:20",
                        f"a={direction}", f"a=crypto:{number} {CM80} inline:{key}", ""])


def peer(folder, figures, rounds, seconds):
    if not shutil.which("rtpengine"):
        print("M3 not run: this machine has no rtpengine (tools/install-deps --peers)")
        return
    work = Work()
    work.talk(work.party("peer", "pcmu", OPUS_8K, LISTENERS, CM80), seconds)
    with Daemon(folder, work) as daemon, Rtpengine(folder, work) as rtpengine:
        daemon.settle()
        ours, theirs = Side(daemon, Load(folder, work)), Side(rtpengine, Load(folder, rtpengine.work))
        for _ in range(rounds):
            ours.round()
            theirs.round()
            time.sleep(FLOOR_SETTLES)
    figures.add(f"M3 PCMU -> Opus, 1 -> {LISTENERS}, of rtpengine", statistics.median(ours.costs), "us a frame",
                bare=statistics.median(theirs.costs), ratios=[a / b for a, b in zip(ours.costs, theirs.costs)], target=0.02,
                of="ratio", note=f"whole processes, for what was heard; rtpengine in place of bare; {ours}; rtpengine {theirs}")


class Side:
    def __init__(self, gateway, load):
        self.gateway, self.load = gateway, load
        self.costs, self.delays, self.lost, self.expected = [], [], 0, 0

    def round(self):
        before = self.gateway.cpu_ns()
        heard = self.load.run(self.gateway)
        used = self.gateway.cpu_ns() - before
        # Who loses a packet may have saved its cost, too.
        self.costs.append(used / 1000 * LISTENERS / (heard["expected"] - heard["lost"]))
        self.lost, self.expected = self.lost + heard["lost"], self.expected + heard["expected"]
        self.delays.append(heard["delay_us"]["p50"] / 1000)

    def __str__(self):
        return f"lost {100 * self.lost / self.expected:.1f} %, p50 {statistics.median(self.delays):.1f} ms"
