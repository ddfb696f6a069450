#!/usr/bin/env python3
"""A hundred reloads under a talkspurt, half of them of broken files: who talks does not notice. One that fails late."""
import ctypes
import json
import os
import signal
import time
import unittest

from gateway import CM80, GCM256, PLAIN, GatewayTest, bridge, channel, end, endpoint, main, ports
from people import People
from radios import Tap

RELOADS = 100
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17  # ptrace(2)
WALL = 0x40000000  # __WALL: threads, too
LANE = 4096  # tasks that wait for a media worker


class Held:
    """One thread of the daemon, stopped for as long as this is entered."""

    def __init__(self, pid, name):
        self.trace = ctypes.CDLL(None, use_errno=True).ptrace
        self.trace.argtypes = [ctypes.c_long] * 4
        def name_of(thread):
            with open(f"/proc/{pid}/task/{thread}/comm", encoding="ascii") as file:
                return file.read().strip()
        [self.thread] = [int(one) for one in os.listdir(f"/proc/{pid}/task") if name_of(one) == name]

    def ask(self, what):
        if self.trace(what, self.thread, 0, 0) != 0:
            raise unittest.SkipTest(f"this machine does not let us stop a thread: {os.strerror(ctypes.get_errno())}")

    def __enter__(self):
        self.ask(PTRACE_SEIZE)
        self.ask(PTRACE_INTERRUPT)
        os.waitpid(self.thread, WALL)
        return self

    def __exit__(self, *_):
        self.ask(PTRACE_DETACH)


class Reload(GatewayTest, People):
    def test_a_hundred_reloads_cost_the_talkspurt_no_packet(self):
        gateway = self.gateway(
            channel("ng-ops", "northgate", endpoint("guard"), endpoint("tap", "pcmu", PLAIN), floor={"lease": "1s", "max_talk": "5m"}),
            channel("pd-tac", "metro-pd", endpoint("officer", "pcmu", CM80), floor={"lease": "1s", "max_talk": "5m"}),
            bridges=[bridge("joint", "ng-ops", "pd-tac")])
        self.variants, self.broken = self.make_variants(gateway), self.make_broken(gateway)
        self.refused = self.applied = 0
        words = gateway.bench.speech("guard", "Unit seven, fight at the north gate, two persons down.")
        tap = Tap(gateway.remotes["tap"])
        self.addCleanup(tap.stop)
        listener = gateway.radio("officer", "--listen-only")
        # Who is not there yet would miss the first words.
        gateway.wait_for(lambda: gateway.item("endpoints", "officer")["state"] == "up", 10, "the listener")
        talker = gateway.radio("guard", "--talk", words, "--repeat", "100", "--gap", "1ms")
        gateway.wait_for(lambda: gateway.item("floor", "pd-tac")["state"] == "taken", 10, "the guard to talk")
        before = gateway.item("floor", "ng-ops")["since"]
        for number in range(RELOADS):
            self.reload(gateway, number)
            time.sleep(0.06)  # three packets and the file that is next
        self.assertEqual(before, gateway.item("floor", "ng-ops")["since"], "it is one talkspurt still")
        sent = end(talker)["sent"]
        time.sleep(0.5)
        self.check_heard(gateway, sent, end(listener), tap.stop().sequence)

    @unittest.skipUnless(os.geteuid() == 0, "only root stops a thread of another process")
    def test_a_reload_that_the_workers_do_not_take_leaves_everything_as_it_was(self):
        gateway = self.gateway(channel("ng-ops", "northgate", endpoint("guard")), channel("pd-tac", "metro-pd", endpoint("officer")),
                               bridges=[bridge("joint", "ng-ops", "pd-tac", opens="on_request")], start=False)
        gateway.config["gateway"]["media"] = {"workers": 1}
        gateway.write()
        gateway.start()
        gateway.ctl("bridge", "open", "joint")
        state = lambda: gateway.item("bridges", "joint")["state"]
        self.assertEqual("open", state())
        terms = gateway.item("bridges", "joint")["terms"]
        # Consent stands no more: by this file the bridge closes.
        gateway.write_text(gateway.changed(lambda config: config["bridges"][0].update(standing_consent=["northgate"])))
        with Held(gateway.daemon.pid, "media-0"):
            root = self.connect(gateway, "root")
            for _ in range(LANE):
                self.ask_as(gateway, "root", "endpoints/guard/enable", "POST", root)
            run = gateway.ctl("reload", check=False)
            self.assertNotEqual(0, run.returncode)
            self.assertIn("do not take commands", run.stderr)
            self.assertEqual(("open", terms), (state(), gateway.item("bridges", "joint")["terms"]))
        gateway.wait_for(lambda: gateway.ask("status")["alarms"] is not None, 5, "the daemon to go on")
        time.sleep(1)
        self.assertEqual("open", state())
        self.assertEqual([], gateway.records("bridge.closed"))
        gateway.ctl("reload")
        self.assertEqual("closed", state())
        self.assertEqual("consent", gateway.recorded("bridge.closed")[-1]["detail"]["by"])

    def reload(self, gateway, number):
        """Good and broken files in turn, each by command and by signal."""
        good, by_signal = number % 2 == 0, number // 2 % 2 == 1
        files = self.variants if good else self.broken
        text = files[number // 4 % len(files)]
        gateway.write_text(text)
        if by_signal:
            refused, reloaded = (gateway.said().count(f"config.{what}") for what in ("refused", "reloaded"))
            gateway.daemon.send_signal(signal.SIGHUP)
            self.seen_by_signal(gateway, good, refused, reloaded, number)
        else:
            run = gateway.ctl("reload", check=False)
            self.assertEqual(0 if good else 78, run.returncode, run.stderr + text)
            if not good:
                self.assertRegex(run.stderr + run.stdout, r"gateway\.yaml:\d+:\d+: ")
        if good:
            self.now = {one["id"] for one in json.loads(text)["channels"]}
        self.assertEqual(self.now, {one["id"] for one in gateway.items("channels")}, f"in force after reload {number}")

    @staticmethod
    def seen_by_signal(gateway, good, refused, reloaded, number):
        if not good:
            return gateway.wait_for(lambda: gateway.said().count("config.refused") > refused, 10, f"refusal {number}")
        gateway.wait_for(lambda: gateway.said().count("config.reloaded") > reloaded, 10, f"reload {number}")

    @staticmethod
    def make_variants(gateway):
        """The two channels as they are, and another one that comes, changes and goes."""
        extra, = ports(1)

        def other(config, codec, name):
            one = endpoint("other", codec, PLAIN, remote=f"127.0.0.1:{extra}", listen="127.0.0.1:0")
            config["channels"].append({**channel("unrelated-1", "metro-pd", one), "name": name})
        return [gateway.changed(lambda config: other(config, "pcmu", "Another")),
                gateway.changed(lambda config: other(config, "pcma", "Another")),
                gateway.changed(lambda config: None),
                gateway.changed(lambda config: other(config, "opus", "Renamed"))]

    @staticmethod
    def make_broken(gateway):
        def no_codec(config):
            config["channels"][0]["endpoints"][0]["codec"] = "opuss"

        def no_channel(config):
            config["bridges"][0]["channels"][1] = "pd-tack"
        whole = gateway.changed(lambda config: None)
        return [gateway.changed(no_codec), whole[:len(whole) // 2], gateway.changed(no_channel), whole.replace("{", "{\t&a", 1)]

    def check_heard(self, gateway, sent, heard, sequence):
        self.assertGreater(sent["packets"], 200)
        self.assertEqual(1, sent["talkspurts"] and len({t["id"] for t in gateway.talkspurts()}), "one talkspurt on record")
        self.assertEqual({}, heard["received"]["bad"])
        self.assertEqual((0, 0, 0), (heard["received"]["lost"], heard["received"]["late"], heard["received"]["duplicates"]))
        self.assertEqual(sent["packets"], heard["received"]["packets"], "the officer heard them all")
        self.assertEqual(sent["packets"], len(sequence), "and so did the radio on the guard's own channel")
        self.assertEqual({1}, {(after - before) % 65536 for before, after in zip(sequence, sequence[1:])})


if __name__ == "__main__":
    main()
