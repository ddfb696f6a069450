#!/usr/bin/env python3
"""Who talks: presses at once, limits, busy channels, and strangers who throw things at the port."""
import random
import socket
import time

from gateway import CM80, GCM256, PLAIN, GatewayTest, bridge, channel, end, ended, endpoint, main

WORDS = ("Unit seven, fight at the north gate, two persons down.", "Northgate seven, Metro forty two, we are on our way to you.")


class Floor(GatewayTest):
    def denials(self, gateway, name):
        return [t for t in gateway.talkspurts() if t["denied"] and t["endpoint"] == name]

    def words(self, gateway, number=0):
        return gateway.bench.speech(f"words-{number}", WORDS[number], ("en-us", "en-gb")[number])

    def test_of_two_presses_at_once_one_is_heard_and_the_other_is_on_record_once(self):
        gateway = self.gateway(channel("ng-ops", "northgate", endpoint("one"), endpoint("two"), endpoint("three", "pcmu", CM80)))
        said = {"one": self.words(gateway, 0), "two": self.words(gateway, 1)}
        heard = gateway.path("heard.wav")
        listener = gateway.radio("three", "--listen-only", "--write", heard, "--for", "9s")
        talkers = {name: gateway.radio(name, "--talk", wav, "--talk-after", "2s", "--for", "8s") for name, wav in said.items()}
        reports = {name: ended(radio) for name, radio in talkers.items()}
        received = ended(listener)["received"]
        gateway.wait_for(lambda: len(gateway.talkspurts()) == 2, 20, "both presses to be on record")
        [granted] = [t for t in gateway.talkspurts() if not t["denied"]]
        winner = granted["endpoint"]
        loser = "two" if winner == "one" else "one"
        self.assertEqual(reports[winner]["sent"]["packets"], received["packets"], "the listener has every packet of one, and no other")
        self.assertEqual(1, received["streams"])
        self.assert_heard(gateway, said[winner], heard, 0.85)
        self.assertLess(gateway.bench.alike(said[loser], heard)["waveform"], 0.3)
        self.assertEqual(1, len(self.denials(gateway, loser)))
        self.assertEqual(1, len(gateway.records("floor.granted")))
        self.assertEqual(1, len(gateway.recorded("floor.denied")))
        self.assertGreater(gateway.drops(loser).get("no_floor", 0), 50, "what the denied one says is counted")
        [denial] = gateway.recorded("floor.denied")
        self.assertEqual((winner, loser), (denial["detail"]["by"], denial["source"]["device"]), "both are named")
        metrics = gateway.metrics()
        self.assertRegex(metrics, r'(?m)^crosspatch_floor_doublings_total\{channel="ng-ops"\} 1$')
        self.assertRegex(metrics, r'(?m)^crosspatch_talk_seconds_total\{channel="ng-ops",agency="northgate"\} [1-9]')
        self.assertRegex(metrics, r'(?m)^crosspatch_floor_decisions_total\{outcome="granted"\} 1$')
        self.assertRegex(metrics, r'(?m)^crosspatch_floor_decisions_total\{outcome="denied",cause="someone else is talking"\} 1$')
        self.assertRegex(metrics, r'(?m)^crosspatch_floor_decisions_total\{outcome="revoked",cause="the talk limit is reached"\} 0$')

    def test_who_talks_for_too_long_is_cut_off_and_must_let_go(self):
        gateway = self.gateway(channel("ng-ops", "northgate", endpoint("one"), endpoint("two", "pcmu", CM80),
                                       floor={"lease": "1s", "hang": "0ms", "max_talk": "3s", "warn": "1s", "grace": "1s"}))
        listener = gateway.radio("two", "--listen-only")
        talker = gateway.radio("one", "--talk", self.words(gateway), "--repeat", "20", "--gap", "1ms")
        gateway.wait_for(lambda: gateway.item("floor", "ng-ops")["state"] == "taken", 10, "the floor to be taken")
        gateway.wait_for(lambda: gateway.item("floor", "ng-ops")["state"] == "idle", 10, "the floor to be taken away")
        time.sleep(2)
        self.assertEqual("idle", gateway.item("floor", "ng-ops")["state"], "holding the button down is no new press")
        stuck = lambda: [alarm for alarm in gateway.ask("status")["alarms"] if alarm["name"] == "floor.overrun.one"]
        self.assertEqual(1, len(stuck()), "a stuck key is an alarm")
        self.assertEqual(1, len(gateway.recorded("floor.overrun")), "reported once")
        end(talker)
        gateway.wait_for(lambda: not stuck(), 15, "the alarm to end when the key is free")
        heard = end(listener)["heard"]
        self.assertEqual(1, heard["talkspurts"])
        self.assertTrue(2500 <= heard["duration_ms"] <= 4500, heard)
        self.assertEqual(1, len(gateway.recorded("floor.revoked")))

    def test_a_far_channel_that_is_busy_is_skipped_and_joins_when_it_is_free(self):
        gateway = self.gateway(
            channel("ng-ops", "northgate", endpoint("guard"), endpoint("guard-two", "pcmu", CM80)),
            channel("pd-tac", "metro-pd", endpoint("officer", "pcmu", CM80), endpoint("officer-two", "pcmu", CM80)),
            bridges=[bridge("joint", {"channel": "ng-ops", "direction": "both"}, {"channel": "pd-tac", "direction": "listen"})])
        # The police channel only listens on this bridge, so its own talk stays there and does not take the guards' floor.
        near = gateway.radio("guard-two", "--listen-only")
        far = gateway.radio("officer-two", "--listen-only")
        officer = gateway.radio("officer", "--talk", self.words(gateway, 1), "--repeat", "20", "--gap", "1ms")
        gateway.wait_for(lambda: gateway.item("floor", "pd-tac")["endpoint"] == "officer", 10, "the officer to talk")
        guard = gateway.radio("guard", "--talk", self.words(gateway, 0), "--repeat", "20", "--gap", "1ms")
        gateway.wait_for(lambda: gateway.item("floor", "ng-ops")["endpoint"] == "guard", 10, "the guard to talk")
        time.sleep(1)
        self.assertEqual("officer", gateway.item("floor", "pd-tac")["endpoint"], "who talks there is not disturbed")
        spoken = end(officer)["sent"]["packets"]
        gateway.wait_for(lambda: gateway.item("floor", "pd-tac")["endpoint"] == "guard", 5, "the guard to join late")
        time.sleep(1)
        said = end(guard)["sent"]["packets"]
        time.sleep(1)
        near, far = end(near)["received"], end(far)["received"]
        self.assertEqual((said, 0), (near["packets"], near["lost"]), "his own channel heard all of it")
        self.assertEqual({}, far["bad"])
        self.assertEqual(0, far["lost"])
        self.assertGreater(far["packets"], spoken + 30, "the far one heard the officer, then the rest of the guard")
        self.assertLess(far["packets"], spoken + said - 30)
        gateway.wait_for(lambda: len(gateway.talkspurts()) == 2, 20, "both to be on record")
        [record] = [t for t in gateway.talkspurts() if t["endpoint"] == "guard"]
        self.assertEqual({"guard-two", "officer", "officer-two"}, set(record["listeners"]))

    def test_a_denied_talker_hears_the_tone(self):
        gateway = self.gateway(channel("ng-ops", "northgate", endpoint("one"), endpoint("three", "pcmu", CM80),
                                       endpoint("two", "l16/8000", GCM256, payload_type=111,
                                                ptt={"signal": "media", "deny_tone": True}, direction="talk")))
        listener = gateway.radio("three", "--listen-only")
        talker = gateway.radio("one", "--talk", self.words(gateway), "--repeat", "20", "--gap", "1ms")
        gateway.wait_for(lambda: gateway.item("floor", "ng-ops")["endpoint"] == "one", 10, "the first to talk")
        heard = gateway.path("tone.wav")
        denied = ended(gateway.radio("two", "--talk", self.words(gateway, 1), "--write", heard, "--for", "4s"))
        report = end(talker)
        received = end(listener)["received"]
        self.assertEqual((report["sent"]["packets"], 0), (received["packets"], received["lost"]), "the other talk goes on")
        self.assertGreater(denied["received"]["packets"], 5)
        self.assertLess(denied["heard"]["duration_ms"], 1500, "once a press, not all the while")
        self.assertEqual(1, denied["heard"]["talkspurts"])
        self.assertGreater(denied["heard"]["level_dbov"], -40, "it can be heard")
        gateway.wait_for(lambda: self.denials(gateway, "two"), 20, "the denial to be on record")
        self.assertEqual(1, len(self.denials(gateway, "two")))


class Hostile(GatewayTest):
    """A stranger at the gateway's own port while somebody talks, sending from the radio's own address where he can."""

    def relay(self, gateway, name):
        """Stands on the radio's path: hands on what it says, and keeps it."""
        return Path(gateway.remotes[name], gateway.listens[name])

    def test_junk_replays_and_foreign_keys_cost_the_talker_nothing_and_are_counted(self):
        gateway = self.gateway(channel("ng-ops", "northgate", endpoint("guard"), endpoint("guard-two", "pcmu", CM80)))
        path = self.relay(gateway, "guard")
        self.addCleanup(path.close)
        listener = gateway.radio("guard-two", "--listen-only")
        wav = self.speech(gateway)
        key = gateway.keys["guard"]
        talker = gateway.bench.start(path.radio_port, path.near_port, "--codec", "opus", "--srtp", GCM256, "--send-key",
                                     key["receive"], "--receive-key", key["send"], "--talk", wav, "--repeat", "20", "--gap", "1ms")
        sent = {"plain": 0, "replayed": 0, "flipped": 0, "junk": 0, "foreign": 0}
        stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(stranger.close)
        dice = random.Random(7)
        until = time.monotonic() + 5
        while time.monotonic() < until:
            seen = path.carry(0.01)
            for packet in seen:
                self.attack(path, packet, sent, dice)
                stranger.sendto(packet, ("127.0.0.1", gateway.listens["guard"]))
                sent["foreign"] += 1
        talker.terminate()
        path.carry(1)
        said, heard = end_report(talker)["sent"], end(listener)["received"]
        self.assertGreater(min(sent.values()), 50, sent)
        self.assertEqual((said["packets"], 0, 0), (heard["packets"], heard["lost"], heard["duplicates"]), gateway.drops("guard"))
        self.assertEqual({}, heard["bad"])
        drops = gateway.drops("guard")
        self.assertGreaterEqual(drops.get("replay", 0) + drops.get("too_old", 0), sent["replayed"] - 5, drops)
        self.assertGreaterEqual(drops.get("foreign_source", 0), sent["foreign"] - 5, drops)
        self.assertGreaterEqual(drops.get("authentication", 0), sent["flipped"], drops)
        self.assertGreaterEqual(sum(drops.values()), sum(sent.values()) - 10, drops)
        self.assertNotIn("stale", drops)
        metrics = gateway.metrics()
        for cause in ("replay", "foreign_source", "authentication"):
            self.assertRegex(metrics, rf'(?m)^crosspatch_packets_dropped_total\{{[^}}]*cause="{cause}"')
        self.assertLess(gateway.said().count("\n"), 30, "no line of the journal for each packet")

    @staticmethod
    def speech(gateway):
        return gateway.bench.speech("words", WORDS[0])

    @staticmethod
    def attack(path, packet, sent, dice):
        """Each from the radio's own address: unencrypted, once more, with a bit turned, and anything."""
        header = packet[:12]
        plain = header[:1] + bytes([111]) + ((int.from_bytes(header[2:4], "big") + 1) % 65536).to_bytes(2, "big") + header[4:12]
        path.send(plain + dice.randbytes(40))
        sent["plain"] += 1
        path.send(packet)
        sent["replayed"] += 1
        turned = bytearray(packet)
        turned[2:4] = ((int.from_bytes(packet[2:4], "big") + 40) % 65536).to_bytes(2, "big")
        turned[dice.randrange(12, len(packet))] ^= 1 << dice.randrange(8)
        path.send(bytes(turned))
        sent["flipped"] += 1
        path.send(dice.randbytes(dice.choice((0, 1, 4, 11, 12, 20, 64, 300, 1201, 4000))))
        sent["junk"] += 1

    def test_a_radio_with_another_key_is_not_heard_and_leaves_no_press(self):
        gateway = self.gateway(channel("ng-ops", "northgate", endpoint("guard"), endpoint("guard-two", "pcmu", CM80)))
        listener = gateway.radio("guard-two", "--listen-only")
        wrong = {"receive": gateway.bench.key(GCM256), "send": gateway.bench.key(GCM256)}
        report = ended(gateway.radio("guard", "--talk", self.speech(gateway), "--for", "3s", key=wrong))
        self.assertGreater(report["sent"]["packets"], 50)
        self.assertEqual(0, end(listener)["received"]["packets"])
        self.assertGreaterEqual(gateway.drops("guard").get("authentication", 0), report["sent"]["packets"])
        self.assertEqual([], gateway.records("floor."))
        self.assertEqual([], gateway.records("talkspurt.started"))


class Path:
    """Stands between a radio and the gateway, on the address that the gateway knows as the radio's."""

    def __init__(self, radio_address, gateway_port):
        self.near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.near.bind(("127.0.0.1", 0))
        self.near_port = self.near.getsockname()[1]
        self.far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.far.bind(("127.0.0.1", radio_address))
        self.far.connect(("127.0.0.1", gateway_port))
        self.radio_port = 0

    def send(self, octets):
        self.far.send(octets)

    def carry(self, seconds):
        """Hands on what the radio says for so long; the media packets among it."""
        until, seen = time.monotonic() + seconds, []
        while (left := until - time.monotonic()) > 0:
            self.near.settimeout(left)
            try:
                octets = self.near.recv(2048)
            except TimeoutError:
                break
            self.far.send(octets)
            if not 192 <= octets[1] <= 223:
                seen.append(octets)
        return seen

    def close(self):
        self.near.close()
        self.far.close()


def end_report(radio):
    return ended(radio, 20)


if __name__ == "__main__":
    main()
