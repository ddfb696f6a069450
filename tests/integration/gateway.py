"""One crosspatchd on loopback with radios around it, for the tests of the whole daemon.

A test describes channels and bridges (`channel`, `endpoint`, `bridge`), and a Gateway writes the configuration and the
keys into a folder of its own, starts the daemon, and ends all that it started. The daemon's own ports are the kernel's
choice unless a test gives them; those of the radios come from below the range that the kernel picks from.
"""
import copy
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

from radios import SUITES, Bench, result

GCM256, GCM128, CM80, PLAIN = "AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80", "none"
READY = 30  # seconds; the sanitizers' build on a busy machine needs some
PROGRAMS = {}


def main():
    """Takes the programs' paths off the command line, and runs the tests."""
    for name in ("crosspatchd", "crosspatchctl", "crosspatch-radio", "crosspatch-verify", "correlate"):
        PROGRAMS[name] = sys.argv.pop(1)
    unittest.main(module="__main__", verbosity=2)


def ports(count):
    """Even ports whose odd neighbours are free too, which the kernel gives to nobody else meanwhile."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first = int(file.read().split()[0])
    found = []
    for port in random.sample(range(10000, min(first, 65000) - 1, 2), 2000):
        try:
            for number in (port, port + 1):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    sock.bind(("127.0.0.1", number))
            found.append(port)
        except OSError:
            continue
        if len(found) == count:
            return found
    raise AssertionError("this machine has no free ports")


def endpoint(name, codec="opus", suite=GCM256, **more):
    """An RTP endpoint as the configuration has it; `remote` and `srtp` are filled in by the Gateway."""
    return {"id": name, "type": "rtp", "codec": codec, "srtp": {"suite": suite}, **more}


def channel(name, agency, *endpoints, **more):
    """A channel whose keys let everybody's voice in and out; floors end 1 s after the last packet."""
    plain = any(e["srtp"]["suite"] == PLAIN for e in endpoints)
    when = {"when": {"suite": list(SUITES)}} if plain else {}
    return {"id": name, "name": f"Channel {name}", "agency": agency, "floor": {"lease": "1s", "hang": "500ms"},
            "outbound": [{"id": "out", "action": "allow", **when}], "inbound": [{"id": "in", "action": "allow", **when}],
            "endpoints": list(endpoints), **more}


def bridge(name, *channels, **more):
    return {"id": name, "channels": list(channels), "opens": "always", "standing_consent": ["northgate", "metro-pd"], **more}


class Gateway:
    """The daemon, its configuration and its radios, in a folder that goes with it."""

    def __init__(self, channels, bridges=(), **more):
        self.home = tempfile.mkdtemp(prefix="crosspatch-")
        os.chmod(self.home, 0o700)
        self.bench = Bench(PROGRAMS["crosspatch-radio"], PROGRAMS["correlate"], self.home)
        self.data, self.file, self.journal = (self.path(name) for name in ("var", "gateway.yaml", "journal"))
        self.daemon = None
        self.keys, self.remotes, self.listens = {}, {}, {}
        self.config = {
            "gateway": {"id": "test-gw", "data_dir": "./var", "api": {"listen": "127.0.0.1:0"}},
            "agencies": [{"id": "northgate", "name": "Northgate Security", "kind": "private_security", "key": "gateway"},
                         {"id": "metro-pd", "name": "Metro Police", "kind": "police", "key": "gateway"}],
            "channels": list(channels), "bridges": list(bridges), **more}
        self.write()

    # Configuration

    def path(self, name):
        return os.path.join(self.home, name)

    def endpoints(self):
        return {e["id"]: e for c in self.config["channels"] for e in c.get("endpoints", ())}

    def write(self):
        """Puts `config` on disk. JSON is YAML too."""
        for name, one in self.endpoints().items():
            if name not in self.remotes:
                self.remotes[name] = int(one["remote"].rsplit(":", 1)[1]) if "remote" in one else ports(1)[0]
                suite = one["srtp"]["suite"]
                self.keys[name] = {way: self.bench.key(suite) for way in ("receive", "send")}
            one.setdefault("remote", f"127.0.0.1:{self.remotes[name]}")
            one.setdefault("listen", "127.0.0.1:0")
            for way, key in self.keys[name].items():
                if key:
                    one["srtp"].setdefault(way, {"file": key})
        self.write_text(json.dumps(self.config, indent=1) + "\n")

    def write_text(self, text):
        with open(self.file + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.file + ".new", 0o600)
        os.rename(self.file + ".new", self.file)

    def changed(self, change):
        """A copy of the configuration that `change` has had its way with."""
        config = copy.deepcopy(self.config)
        change(config)
        return json.dumps(config, indent=1) + "\n"

    # Life

    def start(self):
        with open(self.journal, "a", encoding="utf-8") as journal:
            self.daemon = subprocess.Popen([PROGRAMS["crosspatchd"], "--config", self.file], stderr=journal)
        self.wait_for(lambda: self.ctl("status", check=False).returncode == 0 and "software.started" in self.said(), READY,
                      "the daemon to be ready")
        self.listens = {e["id"]: int(e["listen"].rsplit(":", 1)[1]) for e in self.items("endpoints")}
        return self

    def said(self):
        """What the daemon has said since it was last started."""
        with open(self.journal, encoding="utf-8") as journal:
            return journal.read()

    def kill(self):
        """As a power cut would."""
        self.daemon.kill()
        self.daemon.wait(timeout=10)

    def stop(self):
        """Ends the daemon as systemd does; its exit code, and how long that took in seconds."""
        began = time.monotonic()
        self.daemon.send_signal(signal.SIGTERM)
        code = self.daemon.wait(timeout=20)
        return code, time.monotonic() - began

    def close(self):
        self.bench.close()
        if self.daemon and self.daemon.poll() is None:
            self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def wait_for(self, condition, seconds, what):
        until = time.monotonic() + seconds
        while not condition():
            if self.daemon and self.daemon.poll() is not None:
                raise AssertionError(f"the daemon ended with {self.daemon.returncode}:\n{self.said()}")
            if time.monotonic() > until:
                raise AssertionError(f"waited {seconds} s in vain for {what}:\n{self.said()}")
            time.sleep(0.05)

    # Questions and commands

    def ctl(self, *arguments, check=True, timeout=30):
        run = subprocess.run([PROGRAMS["crosspatchctl"], "--data-dir", self.data, *arguments], capture_output=True, text=True,
                             check=False, timeout=timeout)
        if check and run.returncode:
            raise AssertionError(f"crosspatchctl {' '.join(arguments)}: {run.returncode}: {run.stderr}{run.stdout}")
        return run

    def ask(self, *arguments):
        """The API's body, as --json prints it."""
        return json.loads(self.ctl("--json", *arguments).stdout)

    def items(self, *arguments):
        return self.ask(*arguments)["items"]

    def item(self, what, name):
        return next(one for one in self.items(what) if one["id"] == name)

    def records(self, kind=None, last=1000):
        """The newest records of the log, oldest first. A slow disk has none for a while after the first start."""
        self.wait_for(lambda: self.ctl("log", "tail", check=False).returncode == 0, READY, "the log to be there")
        found = sorted(self.items("log", "tail", "-n", str(last)), key=lambda record: record["seq"])
        return [record for record in found if kind in (None, record["type"])]

    def recorded(self, kind, count=1):
        """The records of a kind, once there are so many of them on disk."""
        self.wait_for(lambda: len(self.records(kind)) >= count, READY, f"{count} records of {kind}")
        return self.records(kind)

    def talkspurts(self):
        """All that are on record, oldest first, denied ones too."""
        self.wait_for(lambda: self.ctl("calls", check=False).returncode == 0, READY, "the list of calls to be there")
        found = [t for call in self.items("calls") for t in self.ask("call", "show", call["id"])["talkspurts"]]
        return sorted(found, key=lambda talkspurt: talkspurt["started"])

    def verify(self, *options):
        """crosspatch-verify over the data directory: exit code and what it says."""
        run = subprocess.run([PROGRAMS["crosspatch-verify"], self.data, *options], capture_output=True, text=True, check=False,
                             timeout=60)
        return run.returncode, run.stdout + run.stderr

    def api_port(self):
        return int(re.findall(r'api="127\.0\.0\.1:(\d+)"', self.said())[-1])

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.api_port()}/metrics", timeout=10) as answer:
            return answer.read().decode()

    def drops(self, name):
        return self.item("endpoints", name)["packets_dropped"]

    # Radios

    def radio(self, name, *options, key=None, buffer_ms=200):
        """A crosspatch-radio that is this endpoint, with other keys if given as {receive, send}."""
        one = self.endpoints()[name]
        key = key or self.keys[name]
        codec = one["codec"] if isinstance(one["codec"], str) else one["codec"]["name"]
        secret = ["--send-key", key["receive"], "--receive-key", key["send"]] if key["receive"] else []
        return self.bench.start(self.remotes[name], self.listens[name], "--codec", codec, "--srtp", one["srtp"]["suite"],
                                "--rtcp", one.get("rtcp", "mux"), *secret, *options, buffer_ms=buffer_ms)


class GatewayTest(unittest.TestCase):
    """A test with a gateway, which is closed whatever happens."""

    def gateway(self, *channels, bridges=(), start=True, **more):
        made = Gateway(channels, bridges, **more)
        self.addCleanup(made.close)
        return made.start() if start else made

    def assert_heard(self, gateway, said, heard, least=0.9):
        alike = gateway.bench.alike(said, heard)
        self.assertGreaterEqual(alike["waveform"], least, f"{heard}: {alike}")
        return alike


def ended(radio, timeout=60):
    """A radio's report."""
    return result(radio, timeout=timeout)


def end(radio):
    """Lets go of the button: the report of a radio that is told to end."""
    radio.terminate()
    return result(radio)
