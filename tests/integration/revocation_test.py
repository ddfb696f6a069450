#!/usr/bin/env python3
"""How long after a revocation the last foreign packet comes, by the kernel's stamps at the listener, while control is kept busy
with one large reload after the other and other people talk. CROSSPATCH_ROUNDS=1000 is the long form."""
import json
import os
import socket
import struct
import threading
import time
import unittest

from consents import Person, time_text
from gateway import CM80, PLAIN, GatewayTest, bridge, channel, end, endpoint, main
from people import open_socket

ROUNDS = int(os.environ.get("CROSSPATCH_ROUNDS", "20"))
LATE = 100  # ms: architecture.md
OTHERS = 3  # channels on which somebody talks, too
IDLE = 300  # channels that only make the configuration large
SO_TIMESTAMPNS = 35
LONG = {"lease": "1s", "max_talk": "10m"}


class StampedTap(threading.Thread):
    """A listener in the clear: when the kernel took each packet, in ns."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.sock.bind(("127.0.0.1", port))
        self.sock.settimeout(0.1)
        self.last, self.count, self.done = 0, 0, False
        self.start()

    def run(self):
        while not self.done:
            try:
                octets, ancillary, _, _ = self.sock.recvmsg(2048, 64)
            except TimeoutError:
                continue
            if 192 <= octets[1] <= 223:  # RFC 5761: those are RTCP
                continue
            [stamp] = [data for _, kind, data in ancillary if kind == SO_TIMESTAMPNS]
            seconds, nanoseconds = struct.unpack("qq", stamp)
            self.last, self.count = seconds * 1_000_000_000 + nanoseconds, self.count + 1

    def stop(self):
        self.done = True
        self.join()
        self.sock.close()


@unittest.skipUnless(os.geteuid() == 0, "only root becomes somebody else")
class Revocation(GatewayTest):
    def scene(self):
        others = [channel(f"other-{n}", "northgate", endpoint(f"mouth-{n}"), endpoint(f"ear-{n}", "pcmu", CM80), floor=LONG)
                  for n in range(OTHERS)]
        idle = [channel(f"idle-{n}", "northgate", endpoint(f"radio-{n}", "pcmu", CM80, remote="127.0.0.1:9"), floor=LONG)
                for n in range(IDLE)]
        for n, one in enumerate(idle):  # each by its SSRC on the shared port
            one["endpoints"][0].update(ssrc=1000 + n)
        gateway = self.gateway(
            channel("ng-ops", "northgate", endpoint("guard"), floor=LONG),
            channel("pd-tac", "metro-pd", endpoint("officer", "pcmu", CM80), endpoint("tap", "pcmu", PLAIN), floor=LONG), *others, *idle,
            bridges=[bridge("joint", "ng-ops", "pd-tac", opens="on_request", standing_consent=["metro-pd"])], start=False)
        gateway.config["gateway"]["media"] = {"listen": "127.0.0.1:0"}
        gateway.config["gateway"]["operators"] = [{"unix": "games", "agency": "northgate", "role": "dispatcher"}]
        gateway.write()
        for one in idle:
            del one["endpoints"][0]["listen"]
        gateway.write_text(json.dumps(gateway.config, indent=1))
        gateway.start()
        open_socket(gateway)
        return gateway

    def reload_for_ever(self, gateway, done):
        """Each file gives every idle channel another name, so that each reload has something to do."""
        root, self.reloads = Person(gateway, "root"), 0
        while not done.is_set():
            def rename(config):
                for one in config["channels"]:
                    if one["id"].startswith("idle-"):
                        one["name"] = f"{one['id']} {self.reloads % 2}"
            gateway.write_text(gateway.changed(rename))
            status, body = root.ask("POST", "reload", {})
            if status != 200:
                raise AssertionError(body)
            self.reloads += 1
        root.close()

    def test_the_last_foreign_packet_comes_within_100_ms_of_a_revocation_whatever_control_does(self):
        gateway = self.scene()
        tap = StampedTap(gateway.remotes["tap"])
        self.addCleanup(tap.stop)
        words = gateway.bench.speech("words", "Unit seven, fight at the north gate, two persons down.")
        talkers = [gateway.radio(name, "--talk", words, "--repeat", "100000", "--gap", "1ms")
                   for name in ("guard", *(f"mouth-{n}" for n in range(OTHERS)))]
        gateway.wait_for(lambda: gateway.item("floor", "ng-ops")["state"] == "taken", 10, "the guard to talk")
        guards, root = Person(gateway, "games"), Person(gateway, "root")
        for person in (guards, root):
            self.addCleanup(person.close)
        done = threading.Event()
        reloads = threading.Thread(target=self.reload_for_ever, args=(gateway, done), daemon=True)
        reloads.start()
        try:
            late = sorted(self.revoke_once(gateway, guards, root, tap) for _ in range(ROUNDS))
        finally:
            done.set()
            reloads.join(timeout=60)
        for talker in talkers:
            end(talker)
        print(f"{ROUNDS} revocations, {self.reloads} reloads: last foreign packet after p50 {late[ROUNDS // 2]:.1f} ms, "
              f"p99 {late[ROUNDS * 99 // 100]:.1f} ms, at most {late[-1]:.1f} ms")
        self.assertGreater(self.reloads, ROUNDS / 10, "control had something else to do")
        self.assertLess(late[-1], LATE)
        self.assertEqual({"ok"}, {one["outcome"] for one in gateway.recorded("consent.revoked", min(ROUNDS, 20))})
        self.assertEqual(0, gateway.verify()[0])

    def revoke_once(self, gateway, guards, root, tap):
        """ms from the request to the kernel's stamp of the last packet that came; negative if none came after it."""
        self.assertEqual(200, guards.ask("POST", "bridges/joint/consents", {"agency": "northgate", "expires": time_text(600)})[0])
        self.assertEqual(200, root.ask("POST", "bridges/joint/open", {})[0])
        before = tap.count
        gateway.wait_for(lambda: tap.count > before + 5, 10, "the guard to be heard")
        began = time.time_ns()
        self.assertLess((began - tap.last) / 1e6, 500, "it is in mid-word")
        status, body = guards.ask("DELETE", "bridges/joint/consents", {})
        self.assertEqual(200, status, body)
        time.sleep(0.3)
        last, count = tap.last, tap.count
        time.sleep(0.1)
        self.assertEqual(count, tap.count, "it has ended")
        return (last - began) / 1e6


if __name__ == "__main__":
    main()
