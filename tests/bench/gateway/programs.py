"""Runs the gateways and the load generator, and reads what the kernel says of them."""
import json
import os
import resource
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request

from gateway.work import PACKETS_A_SECOND

PATIENCE = 60  # seconds to get ready; 10,000 endpoints under valgrind need some


def raise_limits():
    """As many open files as we may: every listener is a socket."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Folder:
    """The built programs, and a folder that goes when we go."""

    def __init__(self, build):
        self.build, self.home = os.path.abspath(build), tempfile.mkdtemp(prefix="crosspatch-bench-")
        os.chmod(self.home, 0o700)
        self.count = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.home, ignore_errors=True)

    def path(self, name):
        self.count += 1
        return os.path.join(self.home, f"{self.count}-{name}")

    def program(self, name):
        return os.path.join(self.build, name)

    def strip(self, names):
        """Goes on with copies that have no debug information, which valgrind would read for seconds."""
        for name in names:
            copy = os.path.join(self.home, name)
            subprocess.run(["strip", "--strip-debug", "-o", copy, self.program(name)], check=True)
        self.build = self.home


class Process:
    """A gateway that runs until close()."""

    def __init__(self, command, **more):
        self.process = subprocess.Popen(command, **more)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()

    # What the kernel knows

    def threads(self, prefix):
        """Ids of the threads whose names begin so."""
        found = []
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{thread}/comm", encoding="ascii") as file:
                if file.read().startswith(prefix):
                    found.append(thread)
        return found

    def cpu_ns(self, prefix=""):
        """Time on a core of the threads whose names begin so."""
        total = 0
        for thread in self.threads(prefix):
            with open(f"/proc/{self.pid}/task/{thread}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
        return total

    def wake_ups(self, prefix):
        """How often these threads have waited for something."""
        total = 0
        for thread in self.threads(prefix):
            with open(f"/proc/{self.pid}/task/{thread}/status", encoding="ascii") as file:
                total += next(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))
        return total

    def rss_kb(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


class Daemon(Process):
    """crosspatchd with everything on. `started` is the time from exec to READY=1 in seconds."""

    def __init__(self, folder, work, workers=1, under=()):
        self.folder, self.gateway = folder, work.address()
        self.file, self.data, self.journal = folder.path("gateway.yaml"), folder.path("var"), folder.path("journal")
        self.workers = workers
        self.write_config(work)
        ready = folder.path("ready")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, open(self.journal, "wb") as journal:
            notify.bind(ready)
            notify.settimeout(0.2)
            began = time.monotonic()
            super().__init__([*under, folder.program("crosspatchd"), "--config", self.file], stderr=journal,
                             stdout=subprocess.DEVNULL, env={**os.environ, "NOTIFY_SOCKET": ready})
            self.wait_ready(notify, began + PATIENCE)
            self.started = time.monotonic() - began

    def write_config(self, work):
        # What is measured is what packets cost, not who is let in: valgrind alone would make a worker seem full.
        work.write_config(self.file, self.gateway, self.data, workers=self.workers, max_load_percent=100)

    def wait_ready(self, notify, until):
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if b"READY=1" in notify.recv(4096):
                    return
            except TimeoutError:
                pass
        self.close()
        raise RuntimeError(f"crosspatchd did not get ready: {self.said()}")

    def said(self):
        with open(self.journal, encoding="utf-8", errors="replace") as journal:
            return journal.read()

    def ctl(self, *arguments):
        return subprocess.run([self.folder.program("crosspatchctl"), "--data-dir", self.data, *arguments], check=True,
                              capture_output=True, text=True, timeout=PATIENCE).stdout

    def settle(self):
        """Until what the start leaves for later is done, such as hashing the program for the first record."""
        until = time.monotonic() + PATIENCE
        others = lambda: self.cpu_ns() - self.cpu_ns("media-")
        before = others()
        while time.monotonic() < until:
            time.sleep(0.4)
            now = others()
            if now - before < 0.1 * 0.4e9:
                return
            before = now

    def delays(self):
        """The buckets of media_delay_seconds: [(seconds, packets that took at most so long)]."""
        port = self.said().split('api="127.0.0.1:')[-1].split('"')[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        name = "crosspatch_media_delay_seconds_bucket"
        found = {}
        for line in lines:
            if line.startswith(name):
                limit = float(line.split('le="')[1].split('"')[0])
                found[limit] = found.get(limit, 0) + float(line.rsplit(" ", 1)[1])  # of all workers
        return sorted(found.items())


class Bare(Process):
    """The bare gateway on the same work."""

    PROGRAM = "bare_gateway"

    def __init__(self, folder, work, only=None, under=()):
        self.folder, self.gateway = folder, work.address()
        path = folder.path("bare.work")
        work.write_work(path, self.gateway, only)
        super().__init__([*under, folder.program(self.PROGRAM), path], stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{self.PROGRAM} did not get ready")


class Load:
    """Runs of the load generator against gateways; every run's packets follow those of the one before."""

    def __init__(self, folder, work, only=None):
        self.folder, self.work, self.only = folder, work, only
        self.index = 1

    def start(self, gateway, *options):
        path = self.folder.path("load.work")
        self.work.write_work(path, gateway.gateway, self.only)
        command = [self.folder.program("load_generator"), path, "--first-index", str(self.index), *map(str, options)]
        self.index += max(packets + start * PACKETS_A_SECOND // 1000 for _, start, packets in self.work.spurts) + 200
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    @staticmethod
    def finish(process, timeout=3600):
        out, _ = process.communicate(timeout=timeout)
        if process.returncode:
            raise RuntimeError(f"load_generator: {process.returncode}")
        return json.loads(out)

    def run(self, gateway, *options):
        return self.finish(self.start(gateway, *options))
