#!/usr/bin/env python3
"""What an idle daemon weighs. Only a build without sanitizers can say: theirs weighs many times more."""
import itertools
import unittest

from gateway import CM80, GCM128, GCM256, GatewayTest, bridge, channel, endpoint, main

CODECS = ("opus", "pcmu", "pcma", "g722", "gsm", {"name": "opus", "rate": 16000, "bitrate": 16000}, "l16/16000", "codec2/3200")
MOST_KB = 20_000


class Memory(GatewayTest):
    def resident(self, gateway):
        """VmRSS in kB."""
        with open(f"/proc/{gateway.daemon.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    def town(self):
        """A hundred encrypted endpoints of every codec and suite on ten channels, and five bridges, all open."""
        kinds = itertools.cycle(itertools.product(CODECS, (GCM256, GCM128, CM80)))
        channels = []
        for number in range(10):
            radios = []
            for place in range(10):
                codec, suite = next(kinds)
                own = {"payload_type": 97} if isinstance(codec, str) and "/" in codec else {}
                radios.append(endpoint(f"radio-{number}-{place}", codec, suite, **own))
            channels.append(channel(f"channel-{number}", ("northgate", "metro-pd")[number % 2], *radios))
        bridges = [bridge(f"bridge-{number}", f"channel-{2 * number}", f"channel-{2 * number + 1}") for number in range(5)]
        return self.gateway(*channels, bridges=bridges)

    def test_an_idle_gateway_of_a_hundred_radios_has_less_than_20_mb(self):
        gateway = self.town()
        self.assertEqual(100, len(gateway.items("endpoints")))
        gateway.recorded("software.started", 2)  # the binary has been hashed: nothing of the start is still to come
        figure = self.resident(gateway)
        print(f"idle with 100 endpoints: {figure / 1000:.1f} MB resident")
        self.assertLess(figure, MOST_KB)


if __name__ == "__main__":
    main()
