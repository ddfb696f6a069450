#!/usr/bin/env python3
"""An independent reader, tshark, of every floor message that we can write; argument: the program that writes them."""
import os
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop(1)
PORT = 40012
VALUES = ["priority", "duration", "queue_pos_inf", "queue_size", "msg_seq_num", "perm_to_req_floor", "user_id", "source"]


def capture(datagrams):
    """The datagrams as a capture file of bare IPv4 packets."""
    file = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 228)
    for number, octets in enumerate(datagrams):
        udp = struct.pack("!HHHH", PORT, PORT, 8 + len(octets), 0) + octets
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1")
        file += struct.pack("<IIII", number, 0, len(ip + udp), len(ip + udp)) + ip + udp
    return file


class FloorWire(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        run = subprocess.run([PROGRAM], capture_output=True, text=True, check=True, timeout=60)
        cls.messages = [line.split("\t") for line in run.stdout.splitlines()]

    def read(self, datagrams, wanted, *fields):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "floor.pcap")
            with open(path, "wb") as file:
                file.write(capture(datagrams))
            run = subprocess.run(["tshark", "-r", path, "-d", f"udp.port=={PORT},rtcp", "-Y", wanted, "-T", "fields",
                                  "-E", "occurrence=a", *[word for field in fields for word in ("-e", field)]],
                                 capture_output=True, text=True, check=True, timeout=120)
        return [line.split("\t") for line in run.stdout.splitlines()]

    def octets(self):
        return [bytes.fromhex(octets) for *_, octets in self.messages]

    def test_no_message_has_a_field_that_tshark_does_not_know_or_a_fault(self):
        self.assertEqual(500, len(self.messages))
        self.assertEqual(10, len({name for name, *_ in self.messages}), "each type of message")
        faults = "rtcp.mcptt.unknown_fld || _ws.malformed || _ws.expert.severity >= 0x600000"
        self.assertEqual([], self.read(self.octets(), faults, "frame.number", "_ws.expert.message"))

    def test_a_fault_would_be_seen(self):
        broken = bytes.fromhex("80cc0003aabbccdd4d4350547f020500")
        self.assertEqual(1, len(self.read([broken], "rtcp.mcptt.unknown_fld", "frame.number")))

    def test_tshark_reads_the_names_and_values_that_were_written(self):
        fields = ["_ws.col.Info"] + ["rtcp.app_data.mcptt." + value for value in VALUES]
        read = self.read(self.octets(), "rtcp", *fields)
        self.assertEqual(len(self.messages), len(read))
        for (name, expected, octets), (info, *values) in zip(self.messages, read):
            self.assertIn(name.lower(), info.lower(), octets)
            wanted = dict(item.split("=", 1) for item in expected.split())
            self.assertEqual(wanted, {key: value for key, value in zip(VALUES, values) if value}, octets)


if __name__ == "__main__":
    unittest.main()
