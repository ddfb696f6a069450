#!/usr/bin/env python3
"""A radio that asks for the floor by floor messages; arguments: the program crosspatch-radio, the program correlate."""
import socket
import struct
import sys
import tempfile
import threading
import time
import unittest

from radios import Bench, free_ports, keys, result

RADIO, CORRELATE = sys.argv.pop(1), sys.argv.pop(1)
REQUEST, GRANTED, TAKEN, DENY, RELEASE, IDLE, REVOKE, INFO, ACK = 0, 1, 2, 3, 4, 5, 6, 9, 10
SERVER = 0x11223344


def field(number, value):
    return bytes([number, len(value)]) + value + bytes(-(2 + len(value)) % 4)


def message(kind, *fields, ack=False):
    body = struct.pack("!I4s", SERVER, b"MCPT") + b"".join(fields)
    return struct.pack("!BBH", 0x80 | kind | (0x10 if ack else 0), 204, len(body) // 4) + body


class Server:
    """The other side of one radio: keeps what comes, and answers floor messages by a function of their kind."""

    def __init__(self, port, answer):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.socket.settimeout(0.05)
        self.answer, self.messages, self.media, self.peer = answer, [], [], None
        self.running = True
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while self.running:
            try:
                octets, self.peer = self.socket.recvfrom(2048)
            except socket.timeout:
                continue
            now = time.monotonic()
            if octets[1] == 204 and octets[8:12] == b"MCPT":
                kind = octets[0] & 0x0F
                self.messages.append((now, kind, octets[12:]))
                for reply in self.answer(kind) or []:
                    self.send(reply)
            elif not 192 <= octets[1] <= 223:
                self.media.append(now)

    def send(self, octets):
        self.socket.sendto(octets, self.peer)

    def close(self):
        self.running = False
        self.thread.join()
        self.socket.close()

    def kinds(self):
        return [kind for _, kind, _ in self.messages]

    def when(self, kind):
        return [at for at, what, _ in self.messages if what == kind]


class Handset(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.bench = Bench(RADIO, CORRELATE, cls.folder.name)
        cls.words = cls.bench.speech("guard", "Unit seven, fight at the north gate.")

    @classmethod
    def tearDownClass(cls):
        cls.bench.close()
        cls.folder.cleanup()

    def radio(self, answer, *options, ptt="mcptt", floor_port=None):
        """A radio that talks once to a server; gives both."""
        near, far = free_ports(2)
        server = Server(floor_port or far, answer)
        self.addCleanup(server.close)
        radio = self.bench.start(near, far, "--srtp", "none", "--codec", "pcmu", "--ptt", ptt, "--talk", self.words,
                                 "--talk-after", "200ms", *options, buffer_ms=60)
        return radio, server

    @staticmethod
    def events(report):
        return [event["event"] for event in report["floor"]["events"]]

    def test_no_media_before_the_grant_and_all_of_it_after(self):
        granted = message(GRANTED, field(1, struct.pack("!H", 30)), ack=True)
        asked = []

        def answer(kind):
            if kind == REQUEST:
                asked.append(kind)
                return [granted] if len(asked) == 2 else []  # the first one is lost
            return [message(IDLE, field(8, b"\0\7"))] if kind == RELEASE else []
        radio, server = self.radio(answer, "--emergency", "--floor-priority", "9")
        report = result(radio)
        self.assertEqual([REQUEST, REQUEST, ACK, RELEASE], server.kinds())
        self.assertEqual(field(0, b"\x09\0") + field(13, b"\x10\0"), server.messages[0][2])
        self.assertEqual(field(10, b"\0\0") + field(12, bytes([GRANTED, 0])), server.messages[2][2])
        first, second = server.when(REQUEST)
        self.assertAlmostEqual(1.0, second - first, delta=0.3)
        self.assertGreater(server.media[0], second)
        self.assertLessEqual(server.media[-1], server.when(RELEASE)[0] + 0.01)
        self.assertEqual(report["sent"]["packets"], len(server.media))
        self.assertGreater(len(server.media), 75)
        self.assertEqual(["granted", "released", "idle"], self.events(report))

    def test_what_is_denied_is_not_said_and_the_cause_is_shown(self):
        deny = message(DENY, field(2, struct.pack("!H", 7) + b"the queue is full\x1b["))
        radio, server = self.radio(lambda kind: [deny] if kind == REQUEST else [])
        out, err = radio.communicate(timeout=30)
        self.assertEqual(0, radio.returncode, err)
        self.assertIn("floor: denied (7): the queue is full\\u001b[", err)
        self.assertEqual([REQUEST], server.kinds())
        self.assertEqual([], server.media)
        self.assertIn('"packets":0', out)

    def test_a_revoke_stops_the_media_and_is_answered(self):
        revoked = []

        def answer(kind):
            if kind == REQUEST:
                timer = threading.Timer(0.6, lambda: (revoked.append(time.monotonic()),
                                                      server.send(message(REVOKE, field(2, b"\0\4")))))
                timer.start()
                self.addCleanup(timer.join)
                return [message(GRANTED, field(1, b"\0\x1e"))]
            return [message(TAKEN, field(4, b"sip:chief"), field(8, b"\0\1"))] if kind == RELEASE else []
        radio, server = self.radio(answer)
        report = result(radio)
        self.assertEqual([REQUEST, RELEASE], server.kinds())
        self.assertLess(server.media[-1], revoked[0] + 0.3)
        self.assertEqual(["granted", "revoked", "taken"], self.events(report)[:3])
        self.assertEqual(4, report["floor"]["events"][1]["cause"])
        self.assertEqual("sip:chief", report["floor"]["events"][2]["text"])

    def test_who_is_queued_talks_when_its_turn_comes(self):
        def answer(kind):
            if kind == REQUEST:
                timer = threading.Timer(0.8, lambda: server.send(message(GRANTED)))
                timer.start()
                self.addCleanup(timer.join)
                return [message(INFO, field(3, b"\2\0"))]
            return [message(IDLE)] if kind == RELEASE else []
        radio, server = self.radio(answer)
        report = result(radio)
        self.assertEqual([REQUEST, RELEASE], server.kinds())
        self.assertEqual(["queued", "granted", "released", "idle"], self.events(report))
        self.assertGreater(server.media[0], server.when(REQUEST)[0] + 0.7)

    def test_nobody_answers(self):
        radio, server = self.radio(lambda kind: [])
        report = result(radio)
        self.assertEqual([REQUEST] * 3, server.kinds())
        self.assertEqual(["no answer"], self.events(report))
        self.assertEqual(0, report["sent"]["packets"])

    def test_floor_messages_have_a_port_of_their_own_if_told_so(self):
        own, = free_ports(1)
        radio, server = self.radio(lambda kind: [message(GRANTED if kind == REQUEST else IDLE)], ptt=f"mcptt:{own}",
                                   floor_port=own)
        self.assertEqual(["granted", "released", "idle"], self.events(result(radio)))
        self.assertEqual([REQUEST, RELEASE], server.kinds())
        self.assertEqual([], server.media)

    def test_inside_srtcp_they_arrive_and_another_handset_grants_nothing(self):
        near, far = free_ports(2)
        suite = "AES_CM_128_HMAC_SHA1_80"
        one, two = self.bench.key(suite), self.bench.key(suite)
        talker = self.bench.start(near, far, "--srtp", suite, *keys(one, two), "--ptt", "mcptt", "--talk", self.words,
                                  "--talk-after", "500ms", buffer_ms=60)
        other = self.bench.start(far, near, "--srtp", suite, *keys(two, one), "--ptt", "mcptt", "--for", "6s", buffer_ms=60)
        talked, heard = result(talker), result(other)
        self.assertEqual({}, heard["received"]["bad"])
        self.assertEqual((3, 0), (talked["floor"]["sent"], talked["sent"]["packets"]))
        self.assertEqual((0, 3, 3), tuple(heard["floor"][what] for what in ("sent", "received", "refused")))

    def test_words_that_make_no_sense_are_told_apart(self):
        for options, complaint in ((["--ptt", "mcptt:0"], "'0' is no port"), (["--ptt", "mcptt:x"], "'x' is no port"),
                                   (["--ptt", "radio"], "'radio' is none of"), (["--emergency"], "claims of --ptt mcptt"),
                                   (["--ptt", "mcptt", "--rtcp", "off"], "not with --rtcp off"),
                                   (["--ptt", "space,mcptt"], "--ptt needs --device")):
            radio = self.bench.start(0, 40000, "--srtp", "none", *options)
            _, err = radio.communicate(timeout=10)
            self.assertEqual(2, radio.returncode, options)
            self.assertIn(complaint, err)


if __name__ == "__main__":
    unittest.main()
