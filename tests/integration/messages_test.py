#!/usr/bin/env python3
"""Handsets that ask for the floor by messages of TS 24.380, inside SRTCP: asked, queued, pre-empted, denied."""
from gateway import CM80, GCM256, GatewayTest, channel, end, ended, endpoint, main

WORDS = "Unit seven, fight at the north gate, two persons down."
SETTLED = {"lease": "1s", "hang": "0ms"}


class Messages(GatewayTest):
    def handset(self, gateway, name, *options, **more):
        return gateway.radio(name, "--ptt", "mcptt", *options, **more)

    def told(self, report):
        return [event["event"] for event in report["floor"]["events"]]

    def words(self, gateway):
        return gateway.bench.speech("words", WORDS, "en-us")

    def test_one_asks_and_talks_and_the_others_are_told(self):
        gateway = self.gateway(channel("ng-ops", "northgate", endpoint("one", ptt="mcptt"),
                                       endpoint("two", "pcmu", CM80, ptt="mcptt"), endpoint("three", "pcmu", GCM256)))
        listener = self.handset(gateway, "two", "--listen-only", "--for", "12s")
        dumb = gateway.radio("three", "--listen-only")
        talker = ended(self.handset(gateway, "one", "--talk", self.words(gateway), "--talk-after", "2s", "--for", "10s"))
        heard = ended(listener)
        self.assertGreater(talker["sent"]["packets"], 100)
        self.assertEqual(talker["sent"]["packets"], heard["received"]["packets"])
        self.assertEqual(talker["sent"]["packets"], end(dumb)["received"]["packets"])
        [asked] = gateway.recorded("floor.requested")
        self.assertEqual("normal", asked["detail"]["claimed"])
        self.assertEqual(1, len(gateway.recorded("floor.granted")))
        [released] = gateway.recorded("floor.released")
        self.assertEqual("one", released["object"]["id"])
        self.assertFalse(gateway.records("floor.timeout"), "the key was let go, not lost")
        self.assertEqual(["idle", "granted", "released", "idle"], self.told(talker))
        self.assertEqual(["idle", "taken", "idle"], self.told(heard))
        self.assertIn("sip:one@test-gw", [event["text"] for event in heard["floor"]["events"]])

    def test_the_second_waits_and_an_emergency_does_not(self):
        police = {"role": "officer", "priority": 5, "may": ["emergency"]}
        gateway = self.gateway(channel("ng-ops", "northgate", endpoint("one", ptt="mcptt"), endpoint("two", ptt="mcptt"),
                                       endpoint("chief", ptt="mcptt", talker={"id": "chief", **police}), floor=SETTLED))
        first = self.handset(gateway, "one", "--talk", self.words(gateway), "--repeat", "20", "--gap", "1ms", "--for", "14s")
        gateway.wait_for(lambda: gateway.item("floor", "ng-ops")["endpoint"] == "one", 10, "the first to talk")
        second = self.handset(gateway, "two", "--talk", self.words(gateway), "--for", "14s")
        gateway.wait_for(lambda: gateway.item("floor", "ng-ops")["queue"], 10, "the second to wait")
        [waiting] = gateway.item("floor", "ng-ops")["queue"]
        self.assertEqual(("two", 1), (waiting["endpoint"], waiting["position"]))
        self.assertRegex(gateway.ctl("floor").stdout, r"(?m)^ng-ops +taken +one +one +\S+ +\d+ +two$")
        chief = self.handset(gateway, "chief", "--emergency", "--talk", self.words(gateway), "--for", "8s")
        gateway.wait_for(lambda: gateway.item("floor", "ng-ops")["endpoint"] == "chief", 5, "the emergency to talk")
        gateway.wait_for(lambda: gateway.item("floor", "ng-ops")["endpoint"] == "two", 10, "the second to get his turn")
        for radio in (first, second, chief):
            ended(radio)
        self.assertTrue(gateway.recorded("floor.queued"))
        [revoked] = gateway.recorded("floor.revoked")
        self.assertEqual((4, "chief"), (revoked["detail"]["cause"], revoked["detail"]["by"]))


if __name__ == "__main__":
    main()
