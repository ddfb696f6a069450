#!/usr/bin/env python3
"""tshark reads every kind of ED-137 packet that we can write as we meant it, without a fault.

usage: ed137_tshark_test.py ED137_PACKETS
"""
import os
import subprocess
import sys
import tempfile
import unittest

FIXED = ["ptt_type", "squ", "ptt_id", "pm", "ptts", "sct"]
QUALITY = ["ft.sqi.qidx", "ft.sqi.qidx-ml"]
CLIMAX = ["ft.climax_delay.mode", "ft.climax_delay.relative_value", "ft.climax_delay.absolute_value"]


class Packets(unittest.TestCase):
    def test_tshark_agrees(self):
        with tempfile.TemporaryDirectory() as folder:
            capture = os.path.join(folder, "ed137.pcap")
            meant = subprocess.run([sys.argv[1], capture], capture_output=True, text=True, check=True).stdout.splitlines()
            self.assertGreater(len(meant), 1000)
            self.assertEqual([], self.fields(capture, ["frame.number", "_ws.expert.message"],
                                             "_ws.malformed || _ws.expert.severity >= 0x600000"), "tshark finds fault")
            self.assertEqual([], self.fields(capture, ["frame.number"], "!rtp.ext.ed137a.ptt_type"), "not read as ED-137")
            read = self.fields(capture, ["rtp.ext.ed137a." + name for name in FIXED + QUALITY + CLIMAX])
            self.assertEqual(meant, [self.in_words(*packet) for packet in read])

    def in_words(self, ptt, squ, ptt_id, pm, ptts, sct, index, method, mode, relative, absolute):
        """One packet as ed137_packets prints it."""
        numbers = [str(int(field, 0)) if field not in ("True", "False") else str(int(field == "True"))
                   for field in (ptt, squ, ptt_id, pm, ptts, sct)]
        delay = absolute or relative
        return " ".join(numbers + [f"{int(index, 0)}/{int(method, 0)}" if index else "-",
                                   f"{int(mode in ('1', 'True'))}/{int(delay, 0)}" if mode else "-"])

    def fields(self, capture, names, wanted="rtp"):
        """One list of fields for each packet that the filter lets through."""
        run = subprocess.run(["tshark", "-n", "-r", capture, "-d", "udp.port==40000,rtp", "-Y", wanted, "-T", "fields",
                              *[word for name in names for word in ("-e", name)]],
                             capture_output=True, text=True, check=True, timeout=120)
        return [line.split("\t") for line in run.stdout.splitlines()]


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
