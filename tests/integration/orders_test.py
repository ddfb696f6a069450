#!/usr/bin/env python3
"""What people commanded holds: over reloads, over a kill, and until somebody commands something else."""
import json
import os
import time

from gateway import CM80, GatewayTest, bridge, channel, end, endpoint, main, ports


class Orders(GatewayTest):
    def two_agencies(self, **more):
        return self.gateway(channel("ng-ops", "northgate", endpoint("guard"), endpoint("post")),
                            channel("pd-tac", "metro-pd", endpoint("officer", "pcmu", CM80)),
                            bridges=[bridge("joint", "ng-ops", "pd-tac", **more)])

    def again(self, gateway):
        gateway.kill()
        gateway.start()

    def orders(self, gateway):
        with open(gateway.path("var/orders.json"), encoding="ascii") as file:
            return file.read()

    def bridge_state(self, gateway):
        return gateway.item("bridges", "joint")["state"]

    def heard(self, gateway, talker, listener, key=None):
        """The packets that `listener` hears of a short talk, and those that were sent."""
        ear = gateway.radio(listener, "--listen-only")
        gateway.wait_for(lambda: gateway.item("endpoints", listener)["state"] == "up", 10, "the listener")
        words = gateway.bench.speech("words", "Unit seven, fight at the north gate.")
        mouth = gateway.radio(talker, "--talk", words, key=key)
        sent = mouth.wait(timeout=60) or 0
        time.sleep(0.3)
        self.assertEqual(0, sent)
        return end(ear)["received"]["packets"]

    def touch(self, gateway, change=lambda config: None):
        """A reload that leaves radios and bridges as they are, but for `change`."""
        def renamed(config):
            config["channels"][0]["name"] = f"Operations {time.monotonic_ns()}"
            change(config)
        gateway.write_text(gateway.changed(renamed))
        gateway.ctl("reload")

    def test_a_revoked_radio_stays_out_after_a_kill_until_it_has_new_keys(self):
        gateway = self.two_agencies()
        gateway.ctl("endpoint", "revoke", "guard", "--reason", "stolen")
        gateway.recorded("endpoint.revoked")
        gateway.wait_for(lambda: json.loads(self.orders(gateway))["revoked_keys"], 5, "the revocation to be on disk")
        self.again(gateway)
        self.assertEqual("revoked", gateway.item("endpoints", "guard")["state"])
        self.assertEqual(0, self.heard(gateway, "guard", "officer"))
        self.assertGreater(gateway.drops("guard")["disabled"], 20)
        refused = gateway.ctl("endpoint", "enable", "guard", check=False)
        self.assertNotEqual(0, refused.returncode)
        self.assertIn("new keys", refused.stderr)
        old = dict(gateway.keys["guard"])
        gateway.keys["guard"] = {way: gateway.bench.key("AEAD_AES_256_GCM") for way in old}
        for way, file in gateway.keys["guard"].items():
            gateway.endpoints()["guard"]["srtp"][way] = {"file": file}
        gateway.write()
        gateway.ctl("reload")
        gateway.wait_for(lambda: gateway.item("endpoints", "guard")["state"] != "revoked", 5, "the radio to be let in")
        self.assertGreater(self.heard(gateway, "guard", "officer"), 20)

    def test_a_disabled_radio_stays_off_until_it_is_enabled(self):
        gateway = self.two_agencies()
        gateway.ctl("endpoint", "disable", "guard")
        gateway.recorded("endpoint.disabled")
        self.touch(gateway)
        self.assertEqual("disabled", gateway.item("endpoints", "guard")["state"])
        self.again(gateway)
        self.assertEqual("disabled", gateway.item("endpoints", "guard")["state"])
        gateway.ctl("endpoint", "enable", "guard")
        gateway.wait_for(lambda: gateway.item("endpoints", "guard")["state"] != "disabled", 5, "the radio to be on")
        time.sleep(0.2)
        self.again(gateway)
        self.assertNotEqual("disabled", gateway.item("endpoints", "guard")["state"])

    def test_a_bridge_closed_by_hand_stays_closed_and_one_opened_by_hand_opens_again(self):
        gateway = self.two_agencies()
        self.assertEqual("open", self.bridge_state(gateway))
        gateway.ctl("bridge", "close", "joint", "--reason", "incident over")
        gateway.recorded("bridge.closed")
        self.touch(gateway)
        self.assertEqual("closed", self.bridge_state(gateway))
        self.again(gateway)
        self.assertEqual("closed", self.bridge_state(gateway))
        gateway.ctl("bridge", "open", "joint")
        gateway.recorded("bridge.opened", 2)
        self.again(gateway)
        self.assertEqual("open", self.bridge_state(gateway))
        self.assertGreater(self.heard(gateway, "guard", "officer"), 20)

    def test_a_bridge_on_request_is_open_again_after_a_kill_and_expires_in_its_own_time(self):
        gateway = self.two_agencies(opens="on_request", expires="1h")
        self.assertEqual("closed", self.bridge_state(gateway))
        gateway.ctl("bridge", "open", "joint")
        gateway.recorded("bridge.opened")
        self.again(gateway)
        self.assertEqual("open", self.bridge_state(gateway))
        self.assertLess(gateway.item("bridges", "joint")["remaining_ms"], 3_600_000)
        self.touch(gateway, lambda config: config["bridges"][0].update(expires="1s"))
        gateway.wait_for(lambda: self.bridge_state(gateway) == "closed", 5, "the bridge to expire")
        closed = gateway.recorded("bridge.closed")[-1]
        self.assertEqual("expiry", closed["detail"]["by"])
        self.touch(gateway)
        self.assertEqual("closed", self.bridge_state(gateway), "what has expired does not open by itself")

    def test_a_bridge_that_is_no_longer_always_open_closes(self):
        gateway = self.two_agencies()
        self.touch(gateway, lambda config: config["bridges"][0].update(opens="on_request"))
        self.assertEqual("closed", self.bridge_state(gateway))
        self.touch(gateway)
        self.assertEqual("open", self.bridge_state(gateway))

    def test_consent_that_the_file_no_longer_gives_closes_the_bridge(self):
        gateway = self.two_agencies(opens="on_request")
        gateway.ctl("bridge", "open", "joint")
        self.touch(gateway, lambda config: config["bridges"][0].update(standing_consent=["northgate"]))
        self.assertEqual("closed", self.bridge_state(gateway))
        self.assertEqual("consent", gateway.recorded("bridge.closed")[-1]["detail"]["by"])

    def test_orders_that_cannot_be_read_are_an_alarm_and_the_daemon_starts(self):
        gateway = self.two_agencies()
        gateway.ctl("endpoint", "disable", "guard")
        gateway.recorded("endpoint.disabled")
        gateway.kill()
        with open(gateway.path("var/orders.json"), "w", encoding="ascii") as file:
            file.write("{\"disabled\":")
        gateway.start()
        alarms = {alarm["name"]: alarm["detail"] for alarm in gateway.ask("status")["alarms"]}
        self.assertIn("orders.json", alarms["orders.lost"])
        aside = [name for name in os.listdir(gateway.path("var")) if name.startswith("orders.json.unreadable-")]
        self.assertEqual(1, len(aside), "what was in it is kept")

    def test_an_endpoint_is_renamed_and_keeps_its_port(self):
        port, = ports(1)
        gateway = self.gateway(
            channel("ng-ops", "northgate", endpoint("guard", listen=f"127.0.0.1:{port}"), endpoint("post")))
        self.assertGreater(self.heard(gateway, "guard", "post"), 20)
        for _ in range(2):  # away and back
            for new, old in (("sentry", "guard"), ("guard", "sentry")):
                gateway.endpoints()[old]["id"] = new
                for names in (gateway.remotes, gateway.listens, gateway.keys):
                    names[new] = names.pop(old)
                gateway.write()
                gateway.ctl("reload")
                self.assertEqual(f"127.0.0.1:{port}", gateway.item("endpoints", new)["listen"])
                self.assertGreater(self.heard(gateway, new, "post"), 20)


if __name__ == "__main__":
    main()
