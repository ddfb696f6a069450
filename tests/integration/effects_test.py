#!/usr/bin/env python3
"""What rules do to what crosses: tones are taken out, talkers go under pseudonyms, crossings are announced, labels close them.

The sixth argument is the program signals, by whose library digits are made and read."""
import json
import os
import subprocess
import sys
import time
import unittest

from capture import capture
from gateway import CM80, PLAIN, READY, GatewayTest, bridge, channel, end, ended, endpoint, main
from people import People, let_in, open_socket

SIGNALS = sys.argv.pop(6)
WORDS = "Unit seven, fight at the north gate, two persons down."
ROOM = {"lease": "600ms", "hang": "0ms"}
PSEUDONYM = r"[A-Z2-7]{8}"


def signals(*arguments):
    return subprocess.run([SIGNALS, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def heard_in(path, *hertz):
    return json.loads(signals("tones", path, *hertz))


def rule(effects, suites=(PLAIN, CM80)):
    return [{"id": "out", "action": "allow", "when": {"agency": "metro-pd", "suite": list(suites)}, "effects": effects}]


class Effects(People, GatewayTest):
    def town(self, effects, start=True, codec="pcmu", suite=CM80, name="guard", guard=None, **more):
        gateway = self.gateway(
            channel("ng-ops", "northgate", endpoint(name, codec, suite, **(guard or {})), endpoint("guard-two", codec, suite),
                    outbound=rule(effects), floor=ROOM),
            channel("pd-tac", "metro-pd", endpoint("officer", codec, suite), endpoint("car", codec, suite), floor=ROOM,
                    inbound=[{"id": "in", "action": "allow", "when": {"suite": [PLAIN, CM80]}}]),
            bridges=[bridge("joint", "ng-ops", "pd-tac", **more)], start=False)
        return gateway.start() if start else gateway

    def say(self, gateway, sound, *options):
        """What guard-two and the officer heard of it, as files."""
        heard = {name: gateway.path(name + ".wav") for name in ("guard-two", "officer")}
        listeners = {name: gateway.radio(name, "--listen-only", "--write", path) for name, path in heard.items()}
        for name in heard:
            gateway.wait_for(lambda: gateway.item("endpoints", name)["state"] == "up", 10, f"{name} to be there")
        ended(gateway.radio("guard", "--talk", sound, *options))
        for radio in listeners.values():
            end(radio)
        return heard

    def test_digits_are_read_on_the_own_channel_and_not_across_the_bridge(self):
        gateway = self.town({"strip_tones": True})
        words, digits, all_of_it = (gateway.path(name) for name in ("words.wav", "digits.wav", "all.wav"))
        gateway.bench.speech("words", WORDS)
        signals("dial", "4711#*0A", digits)
        subprocess.run(["sox", words, digits, words, all_of_it], check=True)
        heard = self.say(gateway, all_of_it)
        self.assertEqual("4711#*0A", heard_in(heard["guard-two"])["digits"])
        self.assertEqual("", heard_in(heard["officer"])["digits"])
        self.assert_heard(gateway, words, heard["guard-two"], 0.9)
        alike = gateway.bench.alike(words, heard["officer"])
        self.assertGreater(alike["envelope"], 0.9, alike)  # words are as they were, but for what is below 300 Hz

    def test_a_crossing_is_announced_over_there_only_and_its_first_syllable_is_not_lost(self):
        gateway = self.town({"announce": True}, codec="pcmu")
        words = gateway.bench.speech("words", WORDS)
        heard = self.say(gateway, words)
        # northgate stands first in the configuration: 480 and 530 Hz, and 1100 Hz for encrypted.
        there, here = (heard_in(heard[name], 480, 530, 1100) for name in ("officer", "guard-two"))
        tones = there["tones"]
        self.assertIsNotNone(tones["480"], there)
        self.assertTrue(100 < tones["1100"] - tones["480"] < 300, f"{there} {here}")
        self.assertGreater(gateway.bench.alike(words, heard["guard-two"])["waveform"], 0.97)
        self.assertGreater(gateway.bench.alike(words, heard["officer"])["waveform"], 0.85)
        loudest = {name: signals("tones", path, 480) for name, path in heard.items()}
        self.assertNotEqual(loudest["officer"], loudest["guard-two"])
        # With nothing said meanwhile, the mark is all that is heard, from the first packet on.
        quiet = gateway.path("quiet.wav")
        subprocess.run(["sox", "-n", "-r", "48000", "-c", "1", "-b", "16", quiet, "synth", "1", "sine", "3000", "vol", "0.004"], check=True)
        time.sleep(1)
        heard = self.say(gateway, quiet)
        there, here = (heard_in(heard[name], 480, 530, 1100, 400)["tones"] for name in ("officer", "guard-two"))
        self.assertEqual([None] * 4, list(here.values()), here)
        self.assertIsNone(there["400"], "400 Hz would say that he is not encrypted")
        self.assertTrue(there["480"] <= there["530"] < there["1100"] < there["480"] + 300, there)

    # Pseudonyms

    def hidden(self, **more):
        gateway = self.town({"pseudonymise": True}, start=False, opens="on_request", suite=PLAIN, name="gate-9", guard={
            "ptt": "mcptt", "talker": {"id": "ng-smith", "role": "guard"}}, **more)
        for one in gateway.config["channels"][1]["endpoints"]:
            one["ptt"] = "mcptt"
        let_in(gateway, nobody=("metro-pd", "supervisor"), games=("northgate", "supervisor"))
        gateway.start()
        open_socket(gateway)
        gateway.ctl("bridge", "open", "joint")
        return gateway

    def talk(self, gateway):
        words = gateway.bench.speech("words", WORDS)
        count = len(gateway.records("talkspurt.ended"))
        officer = gateway.radio("officer", "--listen-only", "--ptt", "mcptt")
        gateway.wait_for(lambda: gateway.item("endpoints", "officer")["state"] == "up", 10, "the officer to be there")
        talker = gateway.radio("gate-9", "--ptt", "mcptt", "--talk", words, "--ssrc", 0x5EC2E7AB)
        gateway.wait_for(lambda: gateway.item("floor", "pd-tac")["talker"] == "ng-smith", 10, "the guard to talk")
        shown = {who: next(one for one in self.ask_as(gateway, who, "floor")[1]["items"] if one["id"] == "pd-tac")
                 for who in ("nobody", "games")}
        ended(talker)
        end(officer)
        gateway.recorded("talkspurt.ended", count + 1)
        return shown

    @unittest.skipUnless(os.geteuid() == 0, "only root becomes somebody else")
    def test_the_other_agency_learns_a_pseudonym_on_the_wire_and_in_the_api_and_never_the_name(self):
        gateway = self.hidden()
        events = self.follow(gateway, "nobody")
        wire = capture(self, gateway, ["officer", "car"])
        shown = self.talk(gateway)
        wire.terminate()
        wire.wait(timeout=20)
        pseudonym = shown["nobody"]["talker"]
        self.assertRegex(pseudonym, f"^{PSEUDONYM}$")
        self.assertEqual(pseudonym, shown["nobody"]["endpoint"], "his radio is as good as a name")
        self.assertEqual(("ng-smith", "gate-9"), (shown["games"]["talker"], shown["games"]["endpoint"]))

        with open(gateway.path("wire.pcapng"), "rb") as file:
            octets = file.read()
        self.assertIn(f"sip:{pseudonym}@test-gw".encode(), octets)
        for name in (b"ng-smith", b"gate-9"):
            self.assertNotIn(name, octets, "what is sent to the officers")
        self.assertNotIn((0x5EC2E7AB).to_bytes(4, "big"), octets, "his SSRC")

        def all_that(who):
            call = self.ask_as(gateway, who, "calls")[1]["items"][0]["id"]
            found = [self.ask_as(gateway, who, path)[1] for path in ("calls", "calls/" + call, "floor", "endpoints", "channels",
                                                                     "log/records?last=100")]
            talkspurt = found[1]["talkspurts"][0]["id"]
            return json.dumps(found + [self.ask_as(gateway, who, "talkspurts/" + talkspurt)[1]])
        gateway.wait_for(lambda: gateway.talkspurts(), READY, "the call to be listed")
        seen = all_that("nobody")
        self.assertIn(pseudonym, seen)
        for text in (seen, json.dumps(events)):
            self.assertIn(pseudonym, text)
            self.assertNotIn("ng-smith", text)
            self.assertNotIn("gate-9", text)
        self.assertIn("ng-smith", all_that("games"))
        self.assertEqual(404, self.ask_as(gateway, "nobody", "policy/explain?from=gate-9&to=pd-tac")[0])
        self.assertEqual(404, self.ask_as(gateway, "nobody", "endpoints/gate-9")[0])
        # Nor does he find him by asking whether it was he.
        for question, found in (("talker=ng-smith", 0), ("text=smith", 0), ("channel=pd-tac", 1)):
            self.assertEqual(found, len(self.ask_as(gateway, "nobody", "calls?" + question)[1]["items"]), question)
        self.assertEqual(1, len(self.ask_as(gateway, "games", "calls?talker=ng-smith")[1]["items"]))

        # The same for as long as the bridge stays open, and another afterwards.
        self.assertEqual(pseudonym, self.talk(gateway)["nobody"]["talker"])
        gateway.ctl("bridge", "close", "joint")
        gateway.ctl("bridge", "open", "joint")
        again = self.talk(gateway)["nobody"]["talker"]
        self.assertRegex(again, f"^{PSEUDONYM}$")
        self.assertNotEqual(pseudonym, again)
        self.assertIn(pseudonym, all_that("nobody"), "what was once said under it stays so")

    # Labels

    def test_a_raised_label_ends_a_crossing_in_mid_word_and_lasts_as_long_as_was_said(self):
        gateway = self.town({}, suite=PLAIN, sensitivity="AMBER")
        words = gateway.bench.speech("words", WORDS)
        wire = capture(self, gateway, ["officer"])
        officer = gateway.radio("officer", "--listen-only")
        gateway.wait_for(lambda: gateway.item("endpoints", "officer")["state"] == "up", 10, "the officer to be there")
        guard = gateway.radio("guard", "--talk", words, "--repeat", "20", "--gap", "1ms")
        gateway.wait_for(lambda: gateway.item("floor", "pd-tac")["endpoint"] == "guard", 10, "the guard to be heard there")
        time.sleep(1)
        asked = time.time()
        gateway.ctl("channel", "label", "ng-ops", "RED", "--for", "6s", "--reason", "informer on scene")
        done = time.time()
        time.sleep(1)
        shown = gateway.item("channels", "ng-ops")
        self.assertEqual(("RED", "AMBER"), (shown["sensitivity"], shown["label"]["configured"]))
        self.assertTrue(0 < shown["label"]["remaining_ms"] <= 6000, shown)
        self.assertEqual("idle", gateway.item("floor", "pd-tac")["state"])
        self.assertEqual("guard", gateway.item("floor", "ng-ops")["endpoint"], "at home he goes on")
        self.assertIn("more restricted than the AMBER", gateway.ctl("policy", "explain", "--from", "guard", "--to", "pd-tac").stdout)
        # Over a restart as well, and then it is over.
        gateway.kill()
        end(guard)
        end(officer)
        wire.terminate()
        wire.wait(timeout=20)
        gateway.start()
        gateway.wait_for(lambda: gateway.item("channels", "ng-ops")["label"] is None, 20, "the label's time to be over")
        self.assertGreater(time.time() - asked, 5.5)
        labelled = [(r["detail"]["label"], r["detail"].get("by")) for r in gateway.recorded("channel.labelled", 2)]
        self.assertEqual([("RED", None), ("AMBER", "time")], labelled)

        run = subprocess.run(["tshark", "-r", gateway.path("wire.pcapng"), "-T", "fields", "-e", "frame.time_epoch", "-e", "udp.length"],
                             capture_output=True, text=True, check=True, timeout=60)
        packets = [float(at) for at, length in (line.split("\t") for line in run.stdout.splitlines()) if int(length) == 8 + 12 + 160]
        self.assertTrue(any(asked - 0.5 < at < asked for at in packets), "he was heard before")
        late = max(packets) - asked
        print(f"last foreign packet {1000 * late:.0f} ms after the command began, {1000 * (max(packets) - done):.0f} after it was done")
        self.assertLess(max(packets), done + 0.1)

    def test_a_label_is_never_lowered_below_the_configured_one_and_only_by_those_whose_channel_it_is(self):
        gateway = self.town({})
        low = gateway.ctl("channel", "label", "ng-ops", "GREEN", check=False)
        self.assertEqual(1, low.returncode)
        self.assertIn("'ng-ops' is AMBER by its configuration", low.stderr)
        self.assertIn("is not a label", gateway.ctl("channel", "label", "ng-ops", "PURPLE", check=False).stderr)
        self.assertEqual(2, gateway.ctl("channel", "label", "ng-ops", "RED", "--for", "soon", check=False).returncode)
        gateway.ctl("channel", "label", "ng-ops", "RED")
        self.assertIsNone(gateway.item("channels", "ng-ops")["label"]["remaining_ms"])
        gateway.ctl("channel", "label", "ng-ops", "AMBER")
        self.assertIsNone(gateway.item("channels", "ng-ops")["label"])

    @unittest.skipUnless(os.geteuid() == 0, "only root becomes somebody else")
    def test_another_agency_s_people_do_not_label_a_channel(self):
        gateway = self.town({}, start=False)
        let_in(gateway, nobody=("metro-pd", "supervisor"), games=("northgate", "dispatcher"))
        gateway.start()
        open_socket(gateway)
        label = lambda who: self.ask_as(gateway, who, "channels/ng-ops/label", "POST", body={"label": "RED"})[0]
        self.assertEqual((403, 200), (label("nobody"), label("games")))


if __name__ == "__main__":
    main()
