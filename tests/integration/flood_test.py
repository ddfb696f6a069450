#!/usr/bin/env python3
"""Junk on one port, and everybody else's talk beside it. faults.md 23.

CROSSPATCH_FLOOD=100000 sends as much as the claim says; without it the test is gentler, for builds with sanitizers and for
machines with other work.
"""
import json
import os
import subprocess
import sys
import unittest

from gateway import PROGRAMS, GatewayTest, channel, endpoint, main, ports

RATE = int(os.environ.get("CROSSPATCH_FLOOD", "10000"))  # datagrams a second
SECONDS = 6
CHANNELS = 20
MOST_LOST = 0.001


class Flood(GatewayTest):
    def town(self):
        """Channels of two radios each, and a shared port with nobody on it."""
        town = [channel(f"channel-{n}", "northgate", endpoint(f"talker-{n}", "pcmu"), endpoint(f"listener-{n}", "pcmu"))
                for n in range(CHANNELS)]
        gateway = self.gateway(*town, start=False)
        self.shared = ports(1)[0]
        gateway.config["gateway"]["media"] = {"listen": f"127.0.0.1:{self.shared}"}
        gateway.write()
        return gateway.start()

    def flood(self, gateway, kind, port, source, first):
        """What the flooder says; the channels from `first` on talk meanwhile."""
        talkers = []
        for n in range(first, CHANNELS):
            talkers += [gateway.keys[f"talker-{n}"]["receive"], gateway.remotes[f"talker-{n}"], gateway.listens[f"talker-{n}"],
                        gateway.remotes[f"listener-{n}"]]
        run = subprocess.run([PROGRAMS["flooder"], str(SECONDS), str(RATE), kind, str(port), str(source),
                              *map(str, talkers)],
                             capture_output=True, text=True, check=False, timeout=SECONDS * 10)
        self.assertEqual(0, run.returncode, run.stderr)
        said = json.loads(run.stdout)
        lost = 1 - said["heard"] / said["sent"]
        print(f"{kind}: {said['junk'] / (SECONDS - 0.5):.0f} junk datagrams/s, {said['sent']} frames of {CHANNELS - first} other "
              f"channels, {100 * lost:.3f} % lost, the slowest {said['behind_ms']} ms late")
        self.assertGreater(said["junk"], RATE * (SECONDS - 1) / 2, "the flooder could not send")
        # What junk takes is no talker's load: nobody has to go for it.
        self.assertIn("crosspatch_talkspurts_shed_total 0\n", gateway.metrics())
        return lost

    def test_noise_on_the_shared_port_takes_nothing_from_the_others(self):
        gateway = self.town()
        self.assertLess(self.flood(gateway, "noise", self.shared, 0, 0), MOST_LOST)

    def test_forged_packets_in_a_radios_name_take_nothing_from_the_others(self):
        gateway = self.town()
        lost = self.flood(gateway, "forged", gateway.listens["talker-0"], gateway.remotes["talker-0"], 1)
        self.assertLess(lost, MOST_LOST)
        # They went all the way to the cipher, which is what costs most.
        self.assertGreater(gateway.drops("talker-0").get("authentication", 0), RATE, gateway.drops("talker-0"))


if __name__ == "__main__":
    PROGRAMS["flooder"] = sys.argv.pop(6)
    main()
