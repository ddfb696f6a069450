#!/usr/bin/env python3
"""The daemon dies in the middle of a word, and starts again over what it left on disk."""
import time

from gateway import CM80, GCM256, GatewayTest, bridge, channel, end, endpoint, main, ports


class Crash(GatewayTest):
    def test_radios_that_still_talk_are_heard_again_within_two_seconds_and_the_log_is_whole(self):
        # The daemon's ports stay what they were, as in any real configuration.
        guard, officer = ports(2)
        gateway = self.gateway(
            channel("ng-ops", "northgate", endpoint("guard", "opus", GCM256, listen=f"127.0.0.1:{guard}"),
                    endpoint("guard-two", "pcmu", CM80)),
            channel("pd-tac", "metro-pd", endpoint("officer", "pcmu", CM80, listen=f"127.0.0.1:{officer}"),
                    endpoint("officer-two", "opus", GCM256)))
        words = gateway.bench.speech("words", "Unit seven, fight at the north gate, two persons down.")
        # Two conversations of two; the button stays pressed over the crash.
        talkers = [gateway.radio(name, "--talk", words, "--repeat", "30", "--gap", "1ms") for name in ("guard", "officer")]
        before = {name: gateway.radio(name, "--listen-only", "--for", "60s") for name in ("guard-two", "officer-two")}
        gateway.wait_for(lambda: all(f["state"] == "taken" for f in gateway.items("floor")), 10, "both to talk")
        time.sleep(4)
        seen = {record["seq"]: record["leaf"] for record in gateway.records()}
        self.assertGreater(len(seen), 6)
        gateway.kill()
        reports = [end(radio) for radio in before.values()]
        self.assertTrue(all(report["received"]["packets"] > 100 for report in reports), reports)

        gateway.start()
        ready = time.time_ns()
        self.check_heard_again(gateway, ready)
        for talker in talkers:
            self.assertIsNone(talker.poll(), "the radios talk on all the while")
            end(talker)
        time.sleep(1)
        self.check_log(gateway, seen)

    def check_heard_again(self, gateway, ready):
        """The daemon's ports of the listeners are new, so their radios start anew too; the talkers know of nothing."""
        listeners = {name: gateway.radio(name, "--listen-only") for name in ("guard-two", "officer-two")}
        time.sleep(3)
        for name, radio in listeners.items():
            report = end(radio)
            self.assertEqual({}, report["received"]["bad"], name)
            self.assertIsNotNone(report["received"]["first_ns"], f"{name} hears nothing after the restart: {gateway.items('endpoints')}")
            self.assertLess((report["received"]["first_ns"] - ready) / 1e9, 2, name)
            self.assertGreater(report["received"]["packets"], 50, name)

    def check_log(self, gateway, seen):
        after = {record["seq"]: record["leaf"] for record in gateway.records()}
        missing = {seq for seq in seen if seq not in after}
        self.assertEqual(set(), missing, "records that were shown before the crash")
        self.assertEqual(seen, {seq: after[seq] for seq in seen})
        self.assertTrue(gateway.records("recovery"), "the restart is on record")
        self.assertIn("consistent", gateway.ctl("log", "verify").stdout)
        self.assertEqual(0, gateway.stop()[0])
        code, text = gateway.verify()
        self.assertEqual(0, code, text)


if __name__ == "__main__":
    main()
