"""Radios, keys, speech and lossy wires for the tests of whole programs."""
import base64
import json
import os
import random
import select
import socket
import subprocess
import threading
import time

# SRTP suite: octets of master key and salt.
SUITES = {"AEAD_AES_256_GCM": 44, "AEAD_AES_128_GCM": 28, "AES_CM_128_HMAC_SHA1_80": 30, "none": 0}

# How long each packet waits for its turn: far longer than a busy machine makes a program wait.
BUFFER_MS = 2000


class Bench:
    """A folder with what a test needs, and the programs it runs."""

    def __init__(self, radio, correlate, folder, seed=1):
        self.radio, self.correlate, self.folder = radio, correlate, folder
        self.random = random.Random(seed)
        self.count = 0
        self.started = []

    def close(self):
        """Ends what a failed test left running."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def path(self, name):
        return os.path.join(self.folder, name)

    def key(self, suite, mode=0o600):
        """A fresh key file for the suite; None where there are no keys."""
        if not SUITES[suite]:
            return None
        self.count += 1
        path = self.path(f"key{self.count}")
        with open(path, "w", encoding="ascii") as file:
            file.write(base64.b64encode(self.random.randbytes(SUITES[suite])).decode() + "\n")
        os.chmod(path, mode)
        return path

    def speech(self, name, text, voice="en-us", rate=48000):
        """Real words at about -9 dBFS, at `rate`."""
        raw, path = self.path(name + ".raw.wav"), self.path(name + ".wav")
        subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", raw, text], check=True, capture_output=True)
        subprocess.run(["sox", raw, "-r", str(rate), "-c", "1", "-b", "16", path, "gain", "-n", "-6"], check=True)
        return path

    def start(self, local, remote, *options, buffer_ms=BUFFER_MS, **popen):
        """A radio between two ports of this machine."""
        command = [self.radio, "--local", f"127.0.0.1:{local}", "--remote", f"127.0.0.1:{remote}", "--json",
                   "--buffer", f"{buffer_ms}ms", *map(str, options)]
        radio = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **popen)
        self.started.append(radio)
        return radio

    def alike(self, said, heard):
        """{waveform, waveform_lag_ms, envelope, envelope_lag_ms} of a file in another."""
        run = subprocess.run([self.correlate, said, heard], check=True, capture_output=True, text=True)
        return json.loads(run.stdout)


def keys(send, receive):
    return ["--send-key", send, "--receive-key", receive] if send else []


def result(radio, expected=0, timeout=60):
    """The radio's report, once it has ended as it should."""
    out, err = radio.communicate(timeout=timeout)
    if radio.returncode != expected:
        raise AssertionError(f"exit code {radio.returncode} instead of {expected}: {err}{out}")
    return json.loads(out)


def free_ports(count):
    """Even ports whose odd neighbours are free too."""
    found, held = [], []
    while len(found) < count:
        pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        held += pair
        pair[0].bind(("127.0.0.1", 0))
        port = pair[0].getsockname()[1]
        try:
            if port % 2 == 0:
                pair[1].bind(("127.0.0.1", port + 1))
                found.append(port)
        except OSError:
            pass
    for sock in held:
        sock.close()
    return found


class Tap(threading.Thread):
    """A listener in the clear that keeps of each RTP packet its sequence number, and when it came."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", port))
        self.sock.settimeout(0.1)
        self.sequence, self.times, self.done = [], [], False
        self.start()

    def run(self):
        while not self.done:
            try:
                octets = self.sock.recv(2048)
            except TimeoutError:
                continue
            if not 192 <= octets[1] <= 223:  # RFC 5761: those are RTCP
                self.sequence.append(int.from_bytes(octets[2:4], "big"))
                self.times.append(time.time_ns())

    def stop(self):
        if not self.done:
            self.done = True
            self.join()
            self.sock.close()
        return self


class Wire(threading.Thread):
    """Carries datagrams from the first radio to the second and back, and asks `fate(number, octets)` about each that
    goes forth: how many seconds to hold it, or None to drop it."""

    def __init__(self, near, far, fate):
        super().__init__(daemon=True)
        self.near, self.far, self.fate = near, far, fate
        self.ends = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for end in self.ends:
            end.bind(("127.0.0.1", 0))
        self.near_port, self.far_port = (end.getsockname()[1] for end in self.ends)
        self.done = False
        self.dropped = 0
        self.start()

    def run(self):
        held, number = [], 0
        while not self.done:
            wait = max(0.0, min([0.1] + [due - time.monotonic() for due, _ in held]))
            readable, _, _ = select.select(self.ends, [], [], wait)
            for end in readable:
                octets = end.recv(2048)
                if end is self.ends[1]:
                    self.ends[0].sendto(octets, ("127.0.0.1", self.near))
                    continue
                delay = self.fate(number, octets)
                number += 1
                if delay is None:
                    self.dropped += 1
                else:
                    held.append((time.monotonic() + delay, octets))
            for due, octets in sorted(held, key=lambda item: item[0]):
                if due <= time.monotonic():
                    self.ends[1].sendto(octets, ("127.0.0.1", self.far))
            held = [item for item in held if item[0] > time.monotonic()]

    def stop(self):
        self.done = True
        self.join()
        for end in self.ends:
            end.close()
