#!/usr/bin/env python3
"""What the effects of a rule do to a voice that crosses: `gain` and `max_talk`."""
import time

from gateway import CM80, GCM128, GatewayTest, bridge, channel, end, ended, endpoint, main

WORDS = "Unit seven, fight at the north gate, two persons down."
ROOM = {"lease": "400ms", "hang": "0ms", "warn": "1s", "grace": "1s", "max_talk": "20s"}


class Effects(GatewayTest):
    def two_sides(self, outbound=None, inbound=None, leg=None, opens="always"):
        """A guard with a colleague on his channel, and officers of two codecs on the other side of a bridge."""
        out, into = ([{"id": name, "action": "allow", "effects": effects or {}}] for name, effects in (("out", outbound), ("in", inbound)))
        standing = {} if opens == "always" else {"opens": opens}
        return self.gateway(
            channel("ng-ops", "northgate", endpoint("guard"), endpoint("guard-two", "pcmu", CM80), outbound=out, floor=ROOM),
            channel("pd-tac", "metro-pd", endpoint("officer", "pcmu", CM80), endpoint("officer-two", "opus", GCM128), inbound=into,
                    floor=ROOM),
            bridges=[bridge("joint", "ng-ops", {"channel": "pd-tac", **(leg or {})}, **standing)])

    def levels(self, gateway, talker):
        """What each of the others heard of the talker's words, in dBov."""
        others = {"guard", "guard-two", "officer", "officer-two"} - {talker}
        words = gateway.bench.speech("words", WORDS)
        listeners = {name: gateway.radio(name, "--listen-only") for name in others}
        for name in others:
            gateway.wait_for(lambda: gateway.item("endpoints", name)["state"] == "up", 10, f"{name} to be there")
        ended(gateway.radio(talker, "--talk", words))
        heard = {name: end(radio)["heard"] for name, radio in listeners.items()}
        for name, one in heard.items():
            self.assertGreater(one["duration_ms"], 2500, f"{name} heard {one}")
        return {name: one["level_dbov"] for name, one in heard.items()}

    def test_the_gain_of_both_rules_and_of_the_leg_is_heard_on_the_far_side_only(self):
        as_spoken = self.levels(self.two_sides(), "guard")
        gateway = self.two_sides({"gain": "-6dB"}, {"gain": "-3dB"}, {"gain": "-5dB"})
        lowered = self.levels(gateway, "guard")
        self.assertAlmostEqual(as_spoken["guard-two"], lowered["guard-two"], delta=0.5, msg="his own channel hears him as ever")
        for name in ("officer", "officer-two"):
            self.assertAlmostEqual(as_spoken[name] - 14, lowered[name], delta=1, msg=f"{name}: {as_spoken} {lowered}")
        # The rules are those of the way to the police; what comes back is changed by nothing, as `gain` is the far leg's.
        back = self.levels(gateway, "officer")
        self.assertAlmostEqual(back["officer-two"], back["guard-two"], delta=1, msg=back)

    def test_a_rule_s_talk_limit_ends_a_talkspurt_that_crosses_and_no_other(self):
        gateway = self.two_sides({"max_talk": "3s"}, opens="on_request")
        words = gateway.bench.speech("words", WORDS)
        listeners = {name: gateway.radio(name, "--listen-only") for name in ("guard-two", "officer")}
        # While the bridge is closed only the channel's own limit counts.
        home = ended(gateway.radio("guard", "--talk", words, "--repeat", "3", "--gap", "1ms", "--for", "7s"))
        gateway.wait_for(lambda: len(gateway.talkspurts()) == 1, 20, "the first talkspurt to be on record")
        self.assertEqual([], gateway.records("floor.revoked"))
        gateway.ctl("bridge", "open", "joint")
        time.sleep(1)  # a press comes after silence
        across = ended(gateway.radio("guard", "--talk", words, "--repeat", "4", "--gap", "1ms", "--for", "8s"))
        gateway.wait_for(lambda: len(gateway.talkspurts()) == 2, 20, "the second talkspurt to be on record")
        near, far = (end(listeners[name]) for name in ("guard-two", "officer"))
        first, second = gateway.talkspurts()
        self.assertEqual("released", first["end_cause"], first)
        self.assertEqual("the talk limit is reached", second["end_cause"], second)
        self.assertEqual(["officer", "officer-two"], [name for name in second["listeners"] if name.startswith("officer")])
        [revoked] = gateway.recorded("floor.revoked")
        self.assertEqual((2, "the talk limit is reached"), (revoked["detail"]["cause"], revoked["detail"]["phrase"]))
        self.assertEqual(home["sent"]["packets"], first["packets_received"])
        self.assertGreater(across["sent"]["packets"], 300, "he held the button down")
        # Three seconds, and one of grace in which he still passes.
        self.assertTrue(3900 <= far["heard"]["duration_ms"] <= 4400, far["heard"])
        self.assertTrue(175 <= near["received"]["packets"] - home["sent"]["packets"] <= 230, near["received"])


if __name__ == "__main__":
    main()
