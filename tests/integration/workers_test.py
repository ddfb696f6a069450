#!/usr/bin/env python3
"""Two media workers: a channel goes from one to the other a thousand times under a talkspurt, and nobody misses a packet."""
import http.client
import re
import socket
import time

from gateway import CM80, PLAIN, GatewayTest, bridge, channel, end, ended, endpoint, main
from radios import Tap

ROUNDS = 500  # a bridge opens and closes: two moves
LONG = {"lease": "1s", "max_talk": "10m"}


class Line(http.client.HTTPConnection):
    """One connection to the control socket for many commands."""

    def __init__(self, path):
        super().__init__("crosspatch", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(self.path)

    def post(self, path):
        self.request("POST", path, body="{}", headers={"Content-Type": "application/json"})
        answer = self.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise AssertionError(f"{path}: {answer.status} {text}")


class Workers(GatewayTest):
    def scene(self):
        """A small channel where the guard talks, at home on one worker, and a large one at home on the other."""
        gateway = self.gateway(
            channel("pd-tac", "metro-pd", *(endpoint(f"car-{n}", "pcmu", PLAIN) for n in range(5)), floor=LONG),
            channel("ng-ops", "northgate", endpoint("guard"), endpoint("tap", "pcmu", PLAIN), endpoint("post", "opus", CM80), floor=LONG),
            bridges=[bridge("joint", "ng-ops", "pd-tac", opens="on_request")], start=False)
        gateway.config["gateway"]["media"] = {"workers": 2}
        gateway.write()
        return gateway.start()

    def moves(self, gateway):
        found = re.search(r"^crosspatch_worker_moves_total (\d+)$", gateway.metrics(), re.MULTILINE)
        return int(found.group(1))

    def test_a_thousand_moves_under_a_talkspurt_lose_no_packet(self):
        gateway = self.scene()
        self.assertEqual(2, gateway.ask("status")["workers"])
        tap, car = Tap(gateway.remotes["tap"]), Tap(gateway.remotes["car-0"])
        for one in (tap, car):
            self.addCleanup(one.stop)
        listener = gateway.radio("post", "--listen-only")
        gateway.wait_for(lambda: gateway.item("endpoints", "post")["state"] == "up", 10, "the listener")
        words = gateway.bench.speech("guard", "Unit seven, all quiet at the north gate.")
        talker = gateway.radio("guard", "--talk", words, "--repeat", "1000", "--gap", "1ms")
        gateway.wait_for(lambda: gateway.item("floor", "ng-ops")["state"] == "taken", 10, "the guard to talk")
        before, since = self.moves(gateway), gateway.item("floor", "ng-ops")["since"]
        line = Line(gateway.path("var/control.sock"))
        for _ in range(ROUNDS):
            line.post("/api/v1/bridges/joint/open")
            time.sleep(0.02)
            line.post("/api/v1/bridges/joint/close")
            time.sleep(0.01)
        line.close()
        gateway.wait_for(lambda: self.moves(gateway) - before == 2 * ROUNDS, 10, "as many moves as commands")
        self.assertEqual(since, gateway.item("floor", "ng-ops")["since"], "it is one talkspurt still")
        talker.terminate()
        sent = end(talker)["sent"]
        time.sleep(0.5)
        self.check_heard(gateway, sent, end(listener), tap.stop(), car.stop())

    def check_heard(self, gateway, sent, heard, tap, car):
        steps = {(after - before) % 65536 for before, after in zip(tap.sequence, tap.sequence[1:])}
        self.assertEqual({1}, steps, "transcoded for the radio beside him, packet after packet")
        self.assertEqual(sent["packets"], len(tap.sequence))
        self.assertEqual((0, 0, 0), (heard["received"]["lost"], heard["received"]["late"], heard["received"]["duplicates"]))
        self.assertEqual(sent["packets"], heard["received"]["packets"], "relayed to the post")
        self.assertGreater(len(car.sequence), ROUNDS / 2, "and heard by the other agency while the bridge was open")
        self.assertEqual(1, len({spurt["id"] for spurt in gateway.talkspurts()}), "one talkspurt on record")
        self.assertEqual({}, {cause: n for cause, n in gateway.drops("guard").items() if cause != "no_floor"})

    def test_the_shared_port_serves_channels_of_both_workers(self):
        gateway = self.scene()
        gateway.config["gateway"]["media"]["listen"] = "127.0.0.1:0"
        for one in gateway.endpoints().values():
            one.pop("listen", None)
        self.assertEqual(0, gateway.stop()[0])
        gateway.write_text(gateway.changed(lambda config: [e.pop("listen", None) for c in config["channels"] for e in c["endpoints"]]))
        gateway.start()
        shared = int(gateway.ask("status")["media"].rsplit(":", 1)[1])
        gateway.listens = {name: shared for name in gateway.listens}
        taps = {name: Tap(gateway.remotes[name]) for name in ("tap", "car-1")}
        for one in taps.values():
            self.addCleanup(one.stop)
        words = gateway.bench.speech("words", "Both at once, each on his own channel.")
        talkers = {name: gateway.radio(name, "--talk", words) for name in ("guard", "car-0")}
        sent = {name: ended(radio)["sent"]["packets"] for name, radio in talkers.items()}
        time.sleep(0.3)
        self.assertEqual(sent["guard"], len(taps["tap"].stop().sequence))
        self.assertEqual(sent["car-0"], len(taps["car-1"].stop().sequence))
        handed = re.search(r"^crosspatch_worker_handed_on_total (\d+)$", gateway.metrics(), re.MULTILINE)
        self.assertGreaterEqual(int(handed.group(1)), min(sent.values()), "one of them is the other worker's")


if __name__ == "__main__":
    main()
