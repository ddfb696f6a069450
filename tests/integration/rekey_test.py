#!/usr/bin/env python3
"""Keys change in the middle of a word: the radios go on, and nothing is lost."""
import time

from gateway import GCM256, GatewayTest, channel, end, ended, endpoint, main


class Rekey(GatewayTest):
    def test_a_new_receive_key_beside_the_old_one_costs_the_talker_no_packet(self):
        gateway = self.gateway(channel("ng-ops", "northgate", endpoint("talker", "opus", GCM256), endpoint("listener", "opus", GCM256)))
        listener = gateway.radio("listener", "--listen-only", "--for", "11s")
        talker = gateway.radio("talker", "--talk", gateway.bench.speech("words", "One two three four five six seven. " * 6), "--for", "9s")
        gateway.wait_for(lambda: gateway.item("floor", "ng-ops")["state"] == "taken", 10, "the talker")
        time.sleep(1)
        old = gateway.keys["talker"]["receive"]
        gateway.endpoints()["talker"]["srtp"]["receive"] = [{"file": gateway.bench.key(GCM256)}, {"file": old}]
        gateway.write()
        gateway.ctl("reload")
        time.sleep(2)
        self.assertEqual(gateway.item("floor", "ng-ops")["state"], "taken", "the talkspurt goes on over the change")
        self.assertGreater(ended(talker)["sent"]["packets"], 200)
        heard = ended(listener)["received"]
        self.assertEqual((heard["lost"], heard["bad"]), (0, {}))
        self.assertGreater(heard["packets"], 200)
        self.assertEqual(gateway.drops("talker"), {})

    def test_a_new_send_key_comes_into_use_without_a_packet_number_used_twice(self):
        gateway = self.gateway(channel("ng-ops", "northgate", endpoint("talker", "opus", GCM256), endpoint("listener", "opus", GCM256)))
        fresh = gateway.bench.key(GCM256)
        words = gateway.bench.speech("words", "One two three four five six seven. " * 6)
        talker = gateway.radio("talker", "--talk", words, "--repeat", "4", "--gap", "1ms")
        gateway.wait_for(lambda: gateway.item("floor", "ng-ops")["state"] == "taken", 10, "the talker")
        before = gateway.item("endpoints", "listener")["key"]
        gateway.endpoints()["listener"]["srtp"]["send"] = {"file": fresh}
        gateway.write()
        gateway.ctl("reload")
        gateway.wait_for(lambda: gateway.item("endpoints", "listener")["key"] != before, 5, "the new key to be in use")
        keys = {"receive": gateway.keys["listener"]["receive"], "send": fresh}
        report = ended(gateway.radio("listener", "--listen-only", "--for", "3s", key=keys))
        self.assertGreater(report["received"]["packets"], 100)
        self.assertEqual(report["received"]["lost"], 0)
        end(talker)
        self.assertEqual(gateway.drops("listener"), {}, "nothing was refused on the way out")


if __name__ == "__main__":
    main()
