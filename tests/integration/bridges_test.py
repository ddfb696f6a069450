#!/usr/bin/env python3
"""The life of a bridge: asked for, consented, open, closed; opened by an emergency; made of a template; two that join the same."""
import os
import time
import unittest

from consents import Person, time_text
from gateway import CM80, PLAIN, GatewayTest, bridge, channel, end, endpoint, main
from people import let_in, open_socket
from radios import Tap

PEOPLE = {"games": ("northgate", "dispatcher"), "daemon": ("metro-pd", "supervisor"), "nobody": ("northgate", "guard"),
          "man": ("county-fire", "dispatcher")}


@unittest.skipUnless(os.geteuid() == 0, "only root becomes somebody else")
class Bridges(GatewayTest):
    def scene(self, bridges, **more):
        """Guards, police and the fire brigade, each with a channel; nobody's consent stands."""
        gateway = self.gateway(
            channel("ng-ops", "northgate", endpoint("guard")),
            channel("pd-tac", "metro-pd", endpoint("officer", "pcmu", CM80), endpoint("tap", "pcmu", PLAIN)),
            channel("fd-1", "county-fire", endpoint("engine", "pcmu")), bridges=bridges, start=False, **more)
        gateway.config["agencies"].append({"id": "county-fire", "name": "County Fire", "kind": "fire", "key": "gateway"})
        let_in(gateway, **PEOPLE)
        self.begin(gateway)
        return gateway

    def begin(self, gateway):
        if os.path.exists(gateway.data):
            os.chmod(gateway.data, 0o700)  # the daemon wants it so when it starts
        gateway.start()
        open_socket(gateway)

    def ask(self, gateway, name, method, path, body=None):
        person = Person(gateway, name)
        try:
            return person.ask(method, path, body)
        finally:
            person.close()

    def consent(self, gateway, name, bridge_id):
        status, body = self.ask(gateway, name, "POST", f"bridges/{bridge_id}/consents", {"expires": time_text(3600)})
        self.assertEqual(200, status, body)

    def stage(self, gateway, name="joint"):
        return gateway.item("bridges", name)["stage"]

    def wait_for_stage(self, gateway, stage, name="joint"):
        gateway.wait_for(lambda: self.stage(gateway, name) == stage, 5, f"{name} to be {stage}")

    def alarms(self, gateway):
        return {alarm["name"]: alarm["detail"] for alarm in gateway.ask("status")["alarms"]}

    # From request to close

    def test_a_request_waits_for_consents_and_the_bridge_opens_with_the_last_one(self):
        gateway = self.scene([bridge("joint", "ng-ops", "pd-tac", opens="on_request", standing_consent=[])])
        self.assertEqual("closed", self.stage(gateway))
        self.assertEqual(77, gateway.ctl("bridge", "open", "joint", check=False).returncode)
        self.assertEqual("closed", self.stage(gateway))
        said = gateway.ctl("bridge", "open", "joint", "--wait", "10m", "--reason", "fight at the gate").stdout
        self.assertIn("joint is requested: it opens when", said)
        self.assertEqual("requested", self.stage(gateway))
        self.assertLessEqual(gateway.item("bridges", "joint")["waits_ms"], 600000)
        self.assertIn("requested", gateway.ctl("bridges").stdout)
        # Both agencies are asked; the third one knows nothing of it.
        for name, told in (("games", True), ("daemon", True), ("man", False)):
            status, body = self.ask(gateway, name, "GET", "status")
            self.assertEqual(told, "consent.requested.joint" in [a["name"] for a in body["alarms"]], (name, body))
        self.consent(gateway, "games", "joint")
        self.assertEqual("requested", self.stage(gateway))
        self.assertIn("metro-pd", self.alarms(gateway)["consent.requested.joint"])
        self.consent(gateway, "daemon", "joint")
        self.wait_for_stage(gateway, "open")
        self.assertNotIn("consent.requested.joint", self.alarms(gateway))
        gateway.ctl("bridge", "close", "joint")
        self.wait_for_stage(gateway, "closed")
        kinds = [(r["type"], r["outcome"]) for r in gateway.records() if r["type"].split(".")[0] in ("bridge", "consent")]
        self.assertEqual([("bridge.requested", "denied"), ("bridge.requested", "ok"), ("consent.given", "ok"),
                          ("consent.given", "ok"), ("bridge.opened", "ok"), ("bridge.closed", "ok")], kinds)

    def kept(self, gateway, text):
        if not os.path.exists(gateway.data + "/orders.json"):
            return False
        with open(gateway.data + "/orders.json", encoding="utf-8") as file:
            return text in file.read()

    def test_a_request_outlives_a_crash_and_lapses_in_the_end(self):
        gateway = self.scene([bridge("joint", "ng-ops", "pd-tac", opens="on_request", standing_consent=[])])
        status, body = self.ask(gateway, "games", "POST", "bridges/joint/open", {"waits_ms": 8000})
        self.assertEqual((200, "requested"), (status, body["stage"]), body)
        self.assertEqual(422, self.ask(gateway, "games", "POST", "bridges/joint/open", {"waits_ms": "long"})[0])
        self.assertEqual(422, self.ask(gateway, "games", "POST", "bridges/joint/open", {"waits_ms": -1})[0])
        self.assertEqual(403, self.ask(gateway, "nobody", "POST", "bridges/joint/open", {"waits_ms": 8000})[0])
        gateway.wait_for(lambda: self.kept(gateway, '"waits_ms":8000'), 5, "the order to be on disk")
        gateway.kill()
        self.begin(gateway)
        gateway.wait_for(lambda: [r for r in gateway.records("bridge.requested") if r["outcome"] == "error"], 15, "the lapse")
        self.assertEqual("closed", self.stage(gateway))
        self.consent(gateway, "games", "joint")
        self.consent(gateway, "daemon", "joint")
        self.wait_for_stage(gateway, "consented")
        time.sleep(1.2)  # it does not open by a request that is over
        self.assertEqual("consented", self.stage(gateway))

    # Emergencies

    def test_an_emergency_opens_it_at_once_and_it_expires_after_the_last_one(self):
        gateway = self.armed()
        tap = Tap(gateway.remotes["tap"])
        self.addCleanup(tap.stop)
        words = gateway.bench.speech("words", "Mayday, mayday, officer down at the north gate.")
        # An ordinary press stays at home.
        radio = gateway.radio("handset", "--ptt", "mcptt", "--talk", words)
        self.addCleanup(radio.kill)
        radio.wait(60)
        self.assertEqual([], tap.times)
        self.assertEqual("consented", self.stage(gateway))
        radio = gateway.radio("handset", "--ptt", "mcptt", "--emergency", "--talk", words)
        gateway.wait_for(lambda: self.stage(gateway) == "open", 10, "the emergency to open the bridge")
        radio.wait(60)
        [opened] = gateway.recorded("bridge.opened")
        self.assertEqual(("emergency", "handset"), (opened["detail"]["by"], opened["detail"]["endpoint"]))
        spurt = [t for t in gateway.talkspurts() if "pd-tac" in t["channels"]][-1]
        self.assertLess(spurt["access_time_ms"], 40)
        # All of it was heard there, its first packet too.
        self.assertGreaterEqual(len(tap.times), spurt["packets_received"] - 2)
        self.wait_for_stage(gateway, "consented")
        [closed] = gateway.recorded("bridge.closed")
        self.assertEqual("expiry", closed["detail"]["by"])
        self.assertTrue(gateway.item("bridges", "joint")["armed"])

    def armed(self):
        gateway = self.gateway(
            channel("ng-ops", "northgate", endpoint("guard"),
                    endpoint("handset", "pcmu", ptt={"signal": "mcptt"}, talker={"id": "unit-7", "may": ["emergency"]})),
            channel("pd-tac", "metro-pd", endpoint("officer", "pcmu", CM80), endpoint("tap", "pcmu", PLAIN)),
            bridges=[bridge("joint", "ng-ops", "pd-tac", opens="on_emergency", expires="3s")], start=False)
        let_in(gateway, **{name: who for name, who in PEOPLE.items() if name != "man"})
        self.begin(gateway)
        return gateway

    def test_whoever_closes_it_keeps_emergencies_out_until_somebody_opens_it(self):
        gateway = self.armed()
        self.assertTrue(gateway.item("bridges", "joint")["armed"])
        gateway.ctl("bridge", "close", "joint")
        gateway.wait_for(lambda: "bridge.unarmed.joint" in self.alarms(gateway), 5, "the alarm")
        self.assertIn("crosspatchctl bridge open joint", self.alarms(gateway)["bridge.unarmed.joint"])
        words = gateway.bench.speech("words", "Mayday, mayday.")
        gateway.radio("handset", "--ptt", "mcptt", "--emergency", "--talk", words).wait(60)
        self.assertEqual("closed", self.stage(gateway))
        self.assertEqual([], gateway.records("bridge.opened"))
        gateway.ctl("bridge", "open", "joint")
        self.wait_for_stage(gateway, "open")
        self.wait_for_stage(gateway, "consented")  # expired, and armed again
        self.assertNotIn("bridge.unarmed.joint", self.alarms(gateway))
        # An agency that takes its consent back shuts emergencies out as well.
        status, body = self.ask(gateway, "daemon", "DELETE", "bridges/joint/consents")
        self.assertEqual(200, status, body)
        gateway.radio("handset", "--ptt", "mcptt", "--emergency", "--talk", words).wait(60)
        self.assertEqual("closed", self.stage(gateway))
        self.assertIn("metro-pd", self.alarms(gateway)["bridge.unarmed.joint"])

    # Templates

    def template_scene(self):
        return self.scene([bridge("fixed", "ng-ops", "pd-tac", opens="on_request", standing_consent=[])],
                          templates=[{"id": "incident", "choose": ["ng-ops", "pd-tac", "fd-1"], "expires": "8h",
                                      "agreement": {"id": "MOU-9"}, "standing_consent": ["northgate"]}])

    def test_a_bridge_is_made_of_a_template_under_stress_and_consented_like_any_other(self):
        gateway = self.template_scene()
        self.assertRegex(gateway.ctl("bridge", "templates").stdout, "incident +ng-ops,pd-tac,fd-1 +MOU-9 +northgate")
        status, made = self.ask(gateway, "games", "POST", "bridges",
                                {"template": "incident", "channels": ["ng-ops", "fd-1"], "reason": "fire in hall 2"})
        self.assertEqual((201, "incident-1", ["county-fire"], True),
                         (status, made["id"], made["missing_consent"], made["kept"]), made)
        self.assertEqual(77, gateway.ctl("bridge", "open", "incident-1", check=False).returncode)
        gateway.ctl("bridge", "open", "incident-1", "--wait", "5m")
        self.consent(gateway, "man", "incident-1")
        self.wait_for_stage(gateway, "open", "incident-1")
        heard = self.heard(gateway)
        self.assertGreater(heard, 30)
        # It outlives a crash and a reload, open as it is.
        gateway.kill()
        self.begin(gateway)
        self.wait_for_stage(gateway, "open", "incident-1")
        gateway.ctl("reload")
        self.assertEqual("open", self.stage(gateway, "incident-1"))
        self.assertGreater(self.heard(gateway), 30)
        self.assertEqual(0, gateway.verify()[0])
        said = gateway.ctl("bridge", "remove", "incident-1").stdout
        self.assertIn("closed and gone", said)
        self.assertNotIn("incident-1", [b["id"] for b in gateway.items("bridges")])
        gateway.ctl("reload")
        self.assertNotIn("incident-1", [b["id"] for b in gateway.items("bridges")])
        self.assertTrue(gateway.recorded("bridge.closed")[-1]["detail"]["removed"])
        [ended] = gateway.recorded("consent.expired")
        self.assertEqual("bridge", ended["detail"]["because"])

    def heard(self, gateway):
        """Packets that the engine hears of the guard."""
        words = gateway.bench.speech("words", "Smoke in hall two, everybody out.")
        listener = gateway.radio("engine")
        gateway.radio("guard", "--talk", words).wait(60)
        return end(listener)["received"]["packets"]

    def test_what_may_not_be_made_is_refused_and_says_why(self):
        gateway = self.template_scene()
        for name, body, status, word in (
                ("games", {"template": "incident", "channels": ["ng-ops", "pd-tac"]}, 422, "bridge 'fixed' joins these channels"),
                ("games", {"template": "incident", "channels": ["ng-ops"]}, 422, "two or more"),
                ("games", {"template": "incident", "channels": ["ng-ops", "nowhere"]}, 422, "it offers ng-ops, pd-tac, fd-1"),
                ("games", {"template": "none", "channels": ["ng-ops", "fd-1"]}, 404, "no template"),
                ("games", {"template": "incident", "channels": ["fd-1", "pd-tac"]}, 403, "no channel on bridge"),
                ("nobody", {"template": "incident", "channels": ["ng-ops", "fd-1"]}, 403, "dispatchers and supervisors"),
                ("games", {"template": "incident", "channels": ["ng-ops", "fd-1"], "id": "fixed"}, 422, "bridge 'fixed' already"),
                ("games", {"template": "incident", "channels": ["ng-ops", "fd-1"], "id": "No Id"}, 422, "[a-z0-9-]"),
                ("games", {"template": "incident", "channels": ["ng-ops", 7]}, 422, "list of ids"),
                ("games", {"channels": ["ng-ops", "fd-1"]}, 422, "say which template"),
                ("games", {"template": "incident", "channels": ["ng-ops", "fd-1"], "opens": "always"}, 422, "made by")):
            got, problem = self.ask(gateway, name, "POST", "bridges", body)
            self.assertEqual(status, got, (body, problem))
            self.assertIn(word, problem["detail"], body)
        self.assertEqual(["fixed"], [b["id"] for b in gateway.items("bridges")])
        status, problem = self.ask(gateway, "games", "DELETE", "bridges/fixed", {})
        self.assertEqual(422, status)
        self.assertIn("stands in the configuration", problem["detail"])
        self.assertEqual(404, self.ask(gateway, "man", "DELETE", "bridges/fixed", {})[0])
        # Its template leaves the configuration, and the bridge with it.
        self.assertEqual(201, self.ask(gateway, "games", "POST", "bridges",
                                       {"template": "incident", "channels": ["ng-ops", "fd-1"], "id": "hall-2"})[0])
        self.assertEqual(422, self.ask(gateway, "games", "POST", "bridges",
                                       {"template": "incident", "channels": ["fd-1", "ng-ops"]})[0])
        gateway.config["templates"][0]["choose"] = ["ng-ops", "pd-tac"]
        gateway.write()
        gateway.ctl("reload")
        self.assertEqual(["fixed"], [b["id"] for b in gateway.items("bridges")])
        self.assertIn("does not offer channel 'fd-1'", gateway.said())

    # Two that join the same

    def test_who_closes_one_of_two_bridges_over_the_same_channels_is_told_of_the_other(self):
        gateway = self.scene([bridge("one", "ng-ops", "pd-tac", standing_consent=["northgate", "metro-pd"]),
                              bridge("two", "pd-tac", "ng-ops", standing_consent=["northgate", "metro-pd"])])
        self.assertIn("bridge 'one' in line", gateway.said())
        self.assertEqual(["two"], gateway.item("bridges", "one")["also_joined_by"])
        tap = Tap(gateway.remotes["tap"])
        self.addCleanup(tap.stop)
        words = gateway.bench.speech("words", "Unit seven, fight at the north gate.")
        talker = gateway.radio("guard", "--talk", words, "--repeat", "20", "--gap", "1ms")
        gateway.wait_for(lambda: len(tap.times) > 30, 10, "the guard to be heard by the police")
        self.assertIn("still joined by two", gateway.ctl("bridge", "close", "one").stdout)
        heard = len(tap.times)
        gateway.wait_for(lambda: len(tap.times) > heard + 30, 10, "the other bridge to go on")
        self.assertNotIn("still", gateway.ctl("bridge", "close", "two").stdout)
        time.sleep(0.3)
        heard = len(tap.times)
        time.sleep(0.7)
        self.assertEqual(heard, len(tap.times))
        end(talker)
        closed = gateway.recorded("bridge.closed", 2)
        self.assertEqual(["two"], closed[0]["detail"]["also_joined_by"])
        self.assertNotIn("also_joined_by", closed[1].get("detail", {}))


if __name__ == "__main__":
    main()
