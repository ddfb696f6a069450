#!/usr/bin/env python3
"""The daemon dies in the middle of a word, and starts again over what it left on disk."""
import time

from gateway import CM80, GCM256, GatewayTest, bridge, channel, end, endpoint, main, ports


class Crash(GatewayTest):
    def test_radios_that_still_talk_are_heard_again_within_two_seconds_and_the_log_is_whole(self):
        # The daemon's ports stay what they were, as in any real configuration.
        names = ("guard", "guard-two", "officer", "officer-two")
        listen = dict(zip(names, (f"127.0.0.1:{port}" for port in ports(4))))
        gateway = self.gateway(
            channel("ng-ops", "northgate", endpoint("guard", "opus", GCM256, listen=listen["guard"]),
                    endpoint("guard-two", "pcmu", CM80, listen=listen["guard-two"])),
            channel("pd-tac", "metro-pd", endpoint("officer", "pcmu", CM80, listen=listen["officer"]),
                    endpoint("officer-two", "opus", GCM256, listen=listen["officer-two"])))
        words = gateway.bench.speech("words", "Unit seven, fight at the north gate, two persons down.")
        # Two conversations of two; the buttons stay pressed over the crash, and nobody switches a radio off.
        listeners = {name: gateway.radio(name, "--listen-only") for name in ("guard-two", "officer-two")}
        talkers = [gateway.radio(name, "--talk", words, "--repeat", "60", "--gap", "1ms") for name in ("guard", "officer")]
        gateway.wait_for(lambda: all(f["state"] == "taken" for f in gateway.items("floor")), 10, "both to talk")
        time.sleep(3)
        seen = {record["seq"]: record["leaf"] for record in gateway.records()}
        self.assertGreater(len(seen), 4)
        gateway.kill()
        killed = time.time_ns()
        gateway.start()
        ready = time.time_ns()
        time.sleep(3)
        for talker in talkers:
            self.assertIsNone(talker.poll(), "the radios talk on all the while")
            end(talker)
        for name, radio in listeners.items():
            self.check_heard_again(name, end(radio), killed, ready)
        time.sleep(1)
        self.check_log(gateway, seen)

    def check_heard_again(self, name, report, killed, ready):
        """Packets of before and after the crash are good for one and the same radio: no packet index came twice."""
        self.assertEqual({}, report["received"]["bad"], name)
        begins = [report["started_ns"] + begin * 1e6 for begin, _ in report["heard"]["spans_ms"]]
        again = [begin for begin in begins if begin > killed]
        self.assertTrue(again, f"{name} hears nothing after the restart: {report}")
        self.assertTrue([begin for begin in begins if begin < killed], f"{name} heard nothing before")
        self.assertLess((again[0] - ready) / 1e9, 2, name)
        self.assertGreater(report["heard"]["spans_ms"][-1][1] * 1e6 + report["started_ns"], ready + 2e9, f"{name} hears on")

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
