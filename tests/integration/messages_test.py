#!/usr/bin/env python3
"""Handsets that ask for the floor by messages of TS 24.380, inside SRTCP: asked, queued, pre-empted, denied."""
from gateway import CM80, GCM256, GatewayTest, bridge, channel, end, ended, endpoint, main, ports

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
        self.assertEqual("normal", asked["detail"]["claimed"]["class"])
        self.assertEqual(1, len(gateway.recorded("floor.granted")))
        [released] = gateway.recorded("floor.released")
        self.assertEqual("one", released["object"]["id"])
        self.assertFalse(gateway.records("floor.timeout"), "the key was let go, not lost")
        self.assertEqual(["idle", "granted", "released", "idle"], self.told(talker))
        self.assertEqual(["idle", "taken", "idle"], self.told(heard))
        self.assertIn("sip:one@test-gw", [event["text"] for event in heard["floor"]["events"]])

    def test_messages_have_a_port_of_their_own_where_it_is_configured(self):
        [port] = ports(1)
        gateway = self.gateway(channel("ng-ops", "northgate", endpoint("one", ptt={"signal": "mcptt", "port": port}),
                                       endpoint("two", "pcmu", CM80, ptt="mcptt")))
        listener = self.handset(gateway, "two", "--listen-only", "--for", "10s")
        talker = ended(gateway.radio("one", "--ptt", f"mcptt:{port}", "--talk", self.words(gateway), "--talk-after", "2s", "--for", "8s"))
        self.assertEqual(["granted", "released", "idle"], self.told(talker)[-3:])
        self.assertGreater(talker["sent"]["packets"], 100)
        self.assertEqual(talker["sent"]["packets"], ended(listener)["received"]["packets"])

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
        self.assertRegex(gateway.ctl("floor").stdout, r"(?m)^ng-ops +taken +one +one +\S+ +\d+ +- +two$")
        chief = self.handset(gateway, "chief", "--emergency", "--talk", self.words(gateway), "--for", "8s")
        gateway.wait_for(lambda: gateway.item("floor", "ng-ops")["endpoint"] == "chief", 5, "the emergency to talk")
        gateway.wait_for(lambda: gateway.item("floor", "ng-ops")["endpoint"] == "two", 10, "the second to get his turn")
        for radio in (first, second, chief):
            ended(radio)
        self.assertTrue(gateway.recorded("floor.queued"))
        [revoked] = gateway.recorded("floor.revoked")
        self.assertEqual((4, "chief"), (revoked["detail"]["cause"], revoked["detail"]["by"]))

    def why(self, gateway, name):
        """What people are told of the one press of an endpoint that was denied."""
        gateway.wait_for(lambda: any(t["denied"] for t in gateway.talkspurts()), 20, "the denial to be on record")
        [press] = [t for t in gateway.talkspurts() if t["denied"]]
        self.assertEqual((name, []), (press["endpoint"], press["listeners"]))
        [record] = gateway.recorded("floor.denied")
        self.assertEqual(press["id"], record["object"]["id"])
        return gateway.ctl("why", press["id"]).stdout

    def test_a_denied_press_is_explained_by_who_had_the_floor_and_what_was_claimed(self):
        gateway = self.gateway(channel("ng-ops", "northgate", endpoint("one", ptt="mcptt"),
                                       endpoint("two", "pcmu", CM80, ptt="mcptt", talker={"id": "ng-unit-7", "may": []}),
                                       floor={**SETTLED, "queue": 0}))
        first = self.handset(gateway, "one", "--talk", self.words(gateway), "--repeat", "20", "--gap", "1ms")
        gateway.wait_for(lambda: gateway.item("floor", "ng-ops")["endpoint"] == "one", 10, "the first to talk")
        second = ended(self.handset(gateway, "two", "--emergency", "--talk", self.words(gateway), "--for", "6s"))
        self.assertEqual(0, second["sent"]["packets"])
        self.assertIn("denied", self.told(second))
        end(first)
        why = self.why(gateway, "two")
        self.assertIn("ng-unit-7 on ng-ops", why)
        self.assertIn("it was not granted: someone else is talking", why)
        self.assertIn("not heard on ng-ops: one had the floor with priority 3; this press claimed priority 3, and only a higher "
                      "claim takes the floor; the channel has no queue; it claimed an emergency, which ng-unit-7 on two has no "
                      "right to", why)

    def test_an_officer_s_higher_claim_is_denied_where_the_bridge_has_no_rule_for_it(self):
        officer = {"id": "pd-unit-42", "role": "officer", "priority": 5}
        gateway = self.gateway(
            channel("ng-ops", "northgate", endpoint("guard", ptt="mcptt"), floor=SETTLED),
            channel("pd-tac", "metro-pd", endpoint("officer", "pcmu", CM80, ptt="mcptt", talker=officer), floor={**SETTLED, "queue": 0}),
            bridges=[bridge("joint", "ng-ops", "pd-tac", preemption=[{"emergency": True}])])
        guard = self.handset(gateway, "guard", "--talk", self.words(gateway), "--repeat", "20", "--gap", "1ms")
        gateway.wait_for(lambda: gateway.item("floor", "pd-tac")["endpoint"] == "guard", 10, "the guard to talk")
        denied = ended(self.handset(gateway, "officer", "--floor-priority", "5", "--talk", self.words(gateway), "--for", "6s"))
        self.assertIn("denied", self.told(denied))
        end(guard)
        self.assertIn("not heard on pd-tac: guard had the floor with priority 3; this press claimed priority 5, but no "
                      "`preemption` of a bridge lets officer of metro-pd take it from guard of northgate; the channel has no queue",
                      self.why(gateway, "officer"))

    def test_who_was_denied_while_the_bridge_that_would_have_helped_was_closed_is_told_its_name(self):
        officer = {"id": "pd-unit-42", "role": "officer", "priority": 5}
        joint = lambda name, **more: bridge(name, "ng-ops", "pd-tac", **more)
        gateway = self.gateway(
            channel("ng-ops", "northgate", endpoint("guard", ptt="mcptt"), floor=SETTLED),
            channel("pd-tac", "metro-pd", endpoint("officer", "pcmu", CM80, ptt="mcptt", talker=officer), floor={**SETTLED, "queue": 0}),
            bridges=[joint("daily"), joint("incident", opens="on_request", preemption=[{"role": ["officer"]}])])
        guard = self.handset(gateway, "guard", "--talk", self.words(gateway), "--repeat", "20", "--gap", "1ms")
        gateway.wait_for(lambda: gateway.item("floor", "pd-tac")["endpoint"] == "guard", 10, "the guard to talk")
        ended(self.handset(gateway, "officer", "--floor-priority", "5", "--talk", self.words(gateway), "--for", "6s"))
        end(guard)
        self.assertIn("this press claimed priority 5, but the bridge incident, which lets it be taken, was not open; the channel "
                      "has no queue", self.why(gateway, "officer"))
        self.assertEqual(["daily"], gateway.recorded("floor.denied")[0]["detail"]["bridges_open"])
        self.assertEqual(["daily"], gateway.recorded("floor.granted")[0]["detail"]["bridges_open"])


if __name__ == "__main__":
    main()
