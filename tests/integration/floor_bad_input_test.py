#!/usr/bin/env python3
"""Floor messages that are broken, stolen, forged or too many: no state changes, each is counted, and a good one still works."""
import socket
import struct
import time

from gateway import PLAIN, GatewayTest, channel, endpoint, main

REQUEST, GRANTED, TAKEN, DENY, RELEASE, IDLE, REVOKE, QUEUE_INFO, ACK = 0, 1, 2, 3, 4, 5, 6, 9, 10
PRIORITY, USER_ID, INDICATOR, MESSAGE_TYPE = 0, 6, 13, 12
NORMAL, EMERGENCY = b"\x80\x00", b"\x10\x00"
DEVICE, OTHER = 0xAABBCCDD, 0x01020304


def field(number, value):
    return bytes([number, len(value)]) + value + bytes(-(2 + len(value)) % 4)


def raw(kind, octets, ssrc=DEVICE):
    octets += bytes(-len(octets) % 4)
    return struct.pack("!BBHI4s", 0x80 | kind, 204, 2 + len(octets) // 4, ssrc, b"MCPT") + octets


def message(kind, *fields, ssrc=DEVICE):
    return raw(kind, b"".join(field(*one) for one in fields), ssrc)


class BadInput(GatewayTest):
    def setUp(self):
        none = {"id": "unit", "role": "guard", "may": []}
        self.town = self.gateway(channel("ng-ops", "northgate", endpoint("unit", "pcmu", PLAIN, ptt="mcptt", talker=none),
                                         endpoint("other", "pcmu", PLAIN, ptt="mcptt"),
                                         floor={"priority": 3, "hang": "0ms", "lease": "4s", "queue": 0}))
        self.sockets = {}
        for name in ("unit", "other"):
            sock = self.sockets[name] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind(("127.0.0.1", self.town.remotes[name]))
            sock.settimeout(0.5)
            self.addCleanup(sock.close)

    def send(self, octets, name="unit"):
        self.sockets[name].sendto(octets, ("127.0.0.1", self.town.listens[name]))

    def answers(self, name="unit", seconds=0.5):
        """The subtypes of the floor messages that come within so long."""
        found, until = [], time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                octets = self.sockets[name].recv(2048)
            except socket.timeout:
                continue
            if octets[1] == 204:
                found.append(octets[0] & 15)
        return found

    def floor(self):
        return self.town.item("floor", "ng-ops")

    def dropped(self, cause, name="unit"):
        return self.town.drops(name).get(cause, 0)

    def refused(self, octets, cause="floor_message"):
        """Sent, counted under this cause, and without any effect."""
        before = self.dropped(cause)
        self.send(octets)
        self.town.wait_for(lambda: self.dropped(cause) == before + 1, 5, f"{octets.hex()} to be counted as {cause}")
        self.assertEqual("idle", self.floor()["state"], octets.hex())
        time.sleep(0.06)  # below the limit of messages a second

    def granted(self, *fields):
        self.send(message(REQUEST, *fields))
        self.assertIn(GRANTED, self.answers())
        self.assertEqual("unit", self.floor()["endpoint"])
        self.send(message(RELEASE))
        self.town.wait_for(lambda: self.floor()["state"] == "idle", 5, "the floor to be free")

    def test_broken_foreign_and_forged_messages_change_nothing(self):
        self.granted((INDICATOR, NORMAL))
        for octets in (b"\x00\xff\x05\x00", b"\x00", bytes(400)):  # past the end, half of one, of no length
            self.refused(raw(REQUEST, octets))
        self.refused(message(REQUEST, (INDICATOR, NORMAL), ssrc=OTHER))
        for kind, fields in ((GRANTED, ((1, b"\x00\x1e"),)), (TAKEN, ((4, b"sip:x"), (8, b"\x00\x01"))), (DENY, ((2, b"\x00\x01"),)),
                             (IDLE, ((8, b"\x00\x01"),)), (REVOKE, ((2, b"\x00\x04"),)), (QUEUE_INFO, ((3, b"\x01\x03"),))):
            self.refused(message(kind, *fields))
        self.refused(message(ACK, (MESSAGE_TYPE, bytes([ACK, 0]))))
        self.refused(message(ACK, (MESSAGE_TYPE, b"\x01\x00")))  # of what asked for none
        for kind in (7, 11, 15):
            self.refused(message(kind))
        self.assertEqual(1, len(self.town.recorded("floor.granted")))
        time.sleep(1)
        self.granted((INDICATOR, NORMAL))

    def test_what_is_claimed_is_cut_down_and_recorded_and_unknown_fields_are_passed_over(self):
        bidi = "sip:\u202echief@gw".encode()
        self.granted((PRIORITY, b"\xff\x00"), (PRIORITY, b"\x01\x00"), (USER_ID, bidi), (INDICATOR, EMERGENCY), (99, b"\x07" * 5))
        time.sleep(1)
        self.granted((USER_ID, b"\xff\xfe\n%n"), (INDICATOR, NORMAL))
        first, second = self.town.recorded("floor.requested", 2)
        self.assertEqual({"class": "emergency", "user_id": "sip:\\u202echief@gw"}, first["detail"]["claimed"])
        self.assertEqual((3, True), (first["detail"]["priority"], first["detail"]["cut_down"]))
        self.assertEqual("unit", first["object"]["id"])
        user = second["detail"]["claimed"]["user_id"]
        self.assertTrue(user.isprintable() and user.endswith("%n"), user)
        self.assertEqual(0, self.town.verify()[0])

    def test_a_release_of_who_has_no_floor_takes_it_from_nobody(self):
        self.send(message(REQUEST, (INDICATOR, NORMAL)), "other")
        self.assertIn(GRANTED, self.answers("other"))
        self.send(message(RELEASE))
        self.assertEqual(TAKEN, self.answers()[-1], "who releases nothing is told how things stand")
        self.assertEqual("other", self.floor()["endpoint"])
        self.assertFalse(self.town.records("floor.released"))

    def test_a_thousand_requests_a_second_are_limited_and_others_go_on(self):
        until = time.monotonic() + 2
        sent = 0
        while time.monotonic() < until:
            self.send(message(REQUEST, (INDICATOR, NORMAL)))
            self.send(message(RELEASE))
            sent += 2
            time.sleep(0.002)
        self.assertGreater(sent, 500)
        self.town.wait_for(lambda: self.dropped("floor_message") > sent / 2, 5, "the flood to be counted")
        self.assertLessEqual(len(self.town.records("floor.requested")), 5 * 4)
        time.sleep(1.5)
        self.send(message(RELEASE))
        self.send(message(REQUEST, (INDICATOR, NORMAL)), "other")
        self.assertIn(GRANTED, self.answers("other"))


if __name__ == "__main__":
    main()
