#!/usr/bin/env python3
"""An independent reader, tshark, of what the gateway puts on the wire."""
import signal
import subprocess
import time

from capture import capture
from gateway import PLAIN, GatewayTest, bridge, channel, ended, endpoint, main

SENDER_REPORT, RECEIVER_REPORT, DESCRIPTION = 200, 201, 202


class Wire(GatewayTest):
    def read(self, gateway, wanted, *fields):
        """One tuple of fields for each packet that the filter lets through."""
        decode = [word for name in gateway.listens for word in ("-d", f"udp.port=={gateway.listens[name]},rtp")]
        run = subprocess.run(["tshark", "-r", gateway.path("wire.pcapng"), *decode, "-o", "rtp.heuristic_rtp:TRUE", "-Y", wanted,
                              "-T", "fields", "-E", "occurrence=a", *[word for field in fields for word in ("-e", field)]],
                             capture_output=True, text=True, check=True, timeout=60)
        return [tuple(line.split("\t")) for line in run.stdout.splitlines()]

    def test_rtp_and_rtcp_of_two_talkspurts_are_what_tshark_calls_right(self):
        gateway = self.gateway(channel("ng-ops", "northgate", endpoint("guard", "opus", PLAIN)),
                               channel("pd-tac", "metro-pd", endpoint("officer", "pcmu", PLAIN)),
                               bridges=[bridge("joint", "ng-ops", "pd-tac")])
        words = gateway.bench.speech("guard", "Unit seven, fight at the north gate.")
        writer = capture(self, gateway, ["guard", "officer"])
        listener = gateway.radio("officer", "--for", "13s")
        talker = gateway.radio("guard", "--talk", words, "--repeat", "2", "--gap", "2500ms", "--talk-after", "500ms", "--for", "13s")
        sent, heard = ended(talker)["sent"], ended(listener)["received"]
        time.sleep(1)
        writer.send_signal(signal.SIGINT)
        writer.wait(timeout=20)

        self.assertEqual([], self.read(gateway, "_ws.malformed || _ws.expert.severity >= 0x600000", "frame.number",
                                       "_ws.expert.message"), "tshark finds fault with packets")
        self.check_media(gateway, heard["packets"])
        self.check_reports(gateway, sent["packets"])

    def check_media(self, gateway, heard):
        ours = f"rtp && udp.srcport == {gateway.listens['officer']}"
        packets = [(int(seq), marker in ("1", "True"), int(stamp), int(ssrc, 16), kind)
                   for seq, marker, stamp, ssrc, kind in self.read(gateway, ours, "rtp.seq", "rtp.marker", "rtp.timestamp",
                                                                   "rtp.ssrc", "rtp.p_type")]
        self.assertEqual(heard, len(packets))
        self.assertGreater(len(packets), 100)
        self.assertEqual({("0", packets[0][3])}, {(kind, ssrc) for *_, ssrc, kind in packets}, "PCMU, and one SSRC")
        steps = [(after[0] - before[0]) % 65536 for before, after in zip(packets, packets[1:])]
        self.assertEqual({1}, set(steps), "the sequence goes on over both talkspurts")
        starts = [number for number, packet in enumerate(packets) if packet[1]]
        self.assertEqual(2, len(starts), "a marker at each start, and nowhere else")
        self.assertEqual(0, starts[0])
        for number, (before, after) in enumerate(zip(packets, packets[1:]), 1):
            step = (after[2] - before[2]) % 2**32
            if number in starts:  # the pause is real time: 2.5 s at 8 kHz
                self.assertAlmostEqual(2.5 * 8000, step, delta=4000)
            else:
                self.assertEqual(160, step)

    def check_reports(self, gateway, sent):
        """Reports with a name come from each of our ports: on what we send, and on what we hear."""
        kinds = {}
        for name in ("guard", "officer"):
            reports = self.read(gateway, f"rtcp && udp.srcport == {gateway.listens[name]}", "rtcp.pt", "rtcp.sdes.text", "udp.stream")
            self.assertGreaterEqual(len(reports), 2, name)
            for types, text, _ in reports:
                self.assertIn(str(DESCRIPTION), types.split(","), f"{name}: each compound names its sender")
                self.assertTrue(text, name)
            kinds[name] = {int(kind) for types, *_ in reports for kind in types.split(",")}
        self.assertIn(SENDER_REPORT, kinds["officer"], "the one who is sent to")
        self.assertIn(RECEIVER_REPORT, kinds["guard"], "the one who only talks")
        blocks = self.read(gateway, f"rtcp && udp.srcport == {gateway.listens['guard']} && rtcp.ssrc.fraction",
                           "rtcp.ssrc.cum_nr", "rtcp.ssrc.fraction")
        self.assertTrue(blocks, "what we heard is reported")
        self.assertEqual({("0", "0")}, set(blocks), "of which nothing was lost")
        self.assertGreater(sent, 100)


if __name__ == "__main__":
    main()
