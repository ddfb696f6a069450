#!/usr/bin/env python3
"""Sound that goes round outside the gateway: a way that takes what one radio hears and talks it into another, re-encoded."""
import heapq
import os
import socket
import struct
import subprocess
import threading
import time

from gateway import PLAIN, GatewayTest, bridge, channel, endpoint, main

PCMU, PCMA = 0, 8
FRAME = 160  # octets of G.711 in 20 ms
SO_TIMESTAMPNS = 35


def linear(octet):
    """A sample of mu-law."""
    octet ^= 0xFF
    size = (((octet & 15) << 3) + 132) << (octet >> 4 & 7)
    return 132 - size if octet & 0x80 else size - 132


def a_law(sample):
    """A linear sample in G.711's other law."""
    mask, size = (0xD5, sample >> 3) if sample >= 0 else (0x55, -sample - 1 >> 3)
    segment = max(0, size.bit_length() - 5)
    return (segment << 4 | size >> max(1, segment) & 15) ^ mask


class Radio(threading.Thread):
    """One side of an endpoint without encryption: what it hears, with the kernel's stamps, and packets that a test gives it."""

    def __init__(self, gateway, name, heard=None):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", gateway.remotes[name]))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.settimeout(0.1)
        self.to = ("127.0.0.1", gateway.listens[name])
        self.heard, self.done, self.reflects = heard, False, False
        self.packets = []  # (seconds, payload)
        self.sequence, self.timestamp, self.ssrc = 100, 1000, hash(name) & 0xFFFFFFFF
        self.start()

    def run(self):
        while not self.done:
            try:
                octets, extra, _, _ = self.socket.recvmsg(2048, 256)
            except TimeoutError:
                continue
            if 192 <= octets[1] <= 223:  # RFC 5761: RTCP
                continue
            if self.reflects:
                self.socket.sendto(octets, self.to)
            seconds, nanoseconds = struct.unpack("qq", extra[0][2][:16])
            self.packets.append((seconds + nanoseconds / 1e9, octets[12:]))
            if self.heard:
                self.heard(octets[12:])

    def send(self, kind, payload):
        self.sequence, self.timestamp = self.sequence + 1 & 0xFFFF, self.timestamp + FRAME & 0xFFFFFFFF
        self.socket.sendto(struct.pack("!BBHII", 0x80, kind, self.sequence, self.timestamp, self.ssrc) + payload, self.to)

    def talk(self, sound):
        """Mu-law, in real time; when its first packet left."""
        began = time.time()
        for number, at in enumerate(range(0, len(sound) - FRAME + 1, FRAME)):
            time.sleep(max(0.0, began + number * 0.02 - time.time()))
            self.send(PCMU, sound[at:at + FRAME])
        return began

    def close(self):
        self.done = True
        self.join()
        self.socket.close()


class WayRound(threading.Thread):
    """What `hears` is told comes out of the other radio so much later, in A-law and under another SSRC."""

    TABLE = bytes(a_law(linear(octet)) for octet in range(256))

    def __init__(self, delay):
        super().__init__(daemon=True)
        self.delay, self.mouth, self.done = delay, None, False
        self.waiting, self.changed, self.count = [], threading.Condition(), 0
        self.start()

    def hear(self, payload):
        with self.changed:
            self.count += 1
            heapq.heappush(self.waiting, (time.monotonic() + self.delay, self.count, payload.translate(self.TABLE)))
            self.changed.notify()

    def run(self):
        with self.changed:
            while not self.done:
                now = time.monotonic()
                while self.waiting and self.waiting[0][0] <= now:
                    self.mouth.send(PCMA, heapq.heappop(self.waiting)[2])
                self.changed.wait(max(0.001, self.waiting[0][0] - now) if self.waiting else 0.1)

    def close(self):
        self.done = True
        self.join()


def spurts(packets, gap=0.15):
    """[first, last] stamp of each run of packets."""
    runs = []
    for at, _ in packets:
        if not runs or at > runs[-1][1] + gap:
            runs.append([at, at])
        runs[-1][1] = at
    return runs


class Loop(GatewayTest):
    def sound(self, gateway, name, text, voice="en-us"):
        """Real words in mu-law, without the silence around them."""
        raw = gateway.path(name + ".ul")
        subprocess.run(["sox", gateway.bench.speech(name, text, voice), "-t", "ul", "-r", "8000", "-c", "1", raw, "silence", "1", "0.05",
                        "1%"], check=True, capture_output=True)
        with open(raw, "rb") as file:
            return file.read()

    def radio(self, gateway, name, **more):
        made = Radio(gateway, name, **more)
        self.addCleanup(made.close)
        return made

    def alarms(self, gateway):
        return {alarm["name"]: alarm["detail"] for alarm in gateway.ask("status")["alarms"]}

    def way_round(self, gateway, delay):
        """From `far-ear` on one channel to `far-mouth` on the other one."""
        way = WayRound(delay)
        self.addCleanup(way.close)
        self.radio(gateway, "far-ear", heard=way.hear)
        way.mouth = self.radio(gateway, "far-mouth")
        return way

    def round_gateway(self):
        """What comes in at `far-mouth` is heard on its own channel at once, and on the other one as soon as that is free."""
        floor = {"lease": "400ms", "hang": "0ms"}
        return self.gateway(
            channel("ops", "northgate", endpoint("guard", "pcmu", PLAIN), endpoint("far-ear", "pcmu", PLAIN),
                    endpoint("post", "pcmu", PLAIN), floor=floor),
            channel("link", "northgate", endpoint("far-mouth", "pcma", PLAIN, path="beyond"), endpoint("desk", "pcmu", PLAIN), floor=floor),
            bridges=[bridge("joint", {"channel": "ops", "direction": "listen"}, {"channel": "link", "direction": "talk"},
                            standing_consent=["northgate"])])

    def check_opened(self, gateway, delay):
        words = self.sound(gateway, "words", "Northgate seven to control, two persons at the east gate, please advise at once.")
        guard, post, desk = (self.radio(gateway, name) for name in ("guard", "post", "desk"))
        self.way_round(gateway, delay)
        guard.talk(words)
        time.sleep(delay + 3)
        sent = len(words) // FRAME
        self.assertEqual(sent, sum(1 for _, payload in post.packets if payload in words), "what was said passes, all of it")
        self.assertLessEqual(len(post.packets), 2 * sent, "no third pass")
        # The copy is heard on its own channel at once; that it ends there is the loop being opened.
        [echo] = spurts(desk.packets)
        self.assertGreater(echo[1] - echo[0], 0.5, "it was let in")
        self.assertLessEqual(echo[1] - echo[0], 1.0, "by the kernel's stamps")
        self.assertLess(len(spurts(post.packets)), 4, "no fourth pass")
        [loop] = gateway.recorded("bridge.loop")
        self.assertEqual("far-mouth", loop["object"]["id"])
        detail = loop["detail"]
        self.assertEqual(("guard", True), (detail["copy_of"], detail["ended"]))
        self.assertAlmostEqual(delay * 1000, detail["lag_ms"], delta=100)
        self.assertGreaterEqual(detail["similarity_percent"], 88)
        self.assertEqual(["joint"], detail["bridges_open"])
        self.assertIn("link", detail["channels"])
        self.assertIn("loop.far-mouth", self.alarms(gateway))
        [ended] = [t for t in gateway.talkspurts() if t["endpoint"] == "far-mouth" and not t["denied"]]
        self.assertEqual("loop", ended["end_cause"])
        return guard, desk, words

    def test_sound_that_comes_back_after_300_ms_is_opened_and_the_second_time_shut_off(self):
        gateway = self.round_gateway()
        guard, desk, words = self.check_opened(gateway, 0.3)
        guard.talk(words)
        time.sleep(2)
        self.assertEqual(30000, gateway.recorded("bridge.loop", 2)[1]["detail"]["left_ms"])
        heard = len(desk.packets)
        guard.talk(words)
        time.sleep(2)
        self.assertEqual(heard, len(desk.packets), "shut off: nothing of the third time is let in")
        self.assertEqual(2, len(gateway.records("bridge.loop")))
        denied = [t for t in gateway.talkspurts() if t["denied"]][-1]
        self.assertEqual("shut off, since its sound was a loop", denied["end_cause"])
        gateway.ctl("endpoint", "enable", "far-mouth")
        guard.talk(words)
        time.sleep(2)
        self.assertGreater(len(desk.packets), heard, "let in again by hand")
        self.assertEqual(3, len(gateway.recorded("bridge.loop", 3)))
        code, said = gateway.verify()
        self.assertEqual(0, code, said)

    def test_sound_that_comes_back_after_1200_ms_is_opened(self):
        self.check_opened(self.round_gateway(), 1.2)

    def test_on_one_channel_a_short_call_does_not_go_round_a_fourth_time(self):
        gateway = self.gateway(channel("ops", "northgate", endpoint("guard", "pcmu", PLAIN), endpoint("far-ear", "pcmu", PLAIN),
                                       endpoint("far-mouth", "pcma", PLAIN, path="beyond"), endpoint("post", "pcmu", PLAIN),
                                       floor={"lease": "200ms", "hang": "0ms"}))
        words = self.sound(gateway, "words", "Two persons at the east gate.")[:FRAME * 48]
        guard, post = self.radio(gateway, "guard"), self.radio(gateway, "post")
        self.way_round(gateway, 1.3)
        guard.talk(words)
        time.sleep(8)
        passes = spurts(post.packets)
        self.assertIn(len(passes), (2, 3), passes)
        self.assertIn("loop.far-mouth", self.alarms(gateway))
        self.assertEqual("guard", gateway.recorded("bridge.loop")[0]["detail"]["copy_of"])

    def test_our_own_packets_that_come_back_are_an_alarm(self):
        gateway = self.gateway(channel("ops", "northgate", endpoint("guard", "pcmu", PLAIN), endpoint("post", "pcmu", PLAIN)))
        guard, post = self.radio(gateway, "guard"), self.radio(gateway, "post")
        post.reflects = True
        guard.talk(self.sound(gateway, "words", "Northgate seven to control, radio check please."))
        gateway.wait_for(lambda: "loop.post" in self.alarms(gateway), 15, "the alarm")
        self.assertEqual("post", gateway.recorded("bridge.loop")[0]["object"]["id"])
        self.assertGreater(gateway.drops("post")["own_ssrc"], 50)

    def test_two_people_who_talk_in_turn_are_no_loop(self):
        gateway = self.gateway(channel("ops", "northgate", endpoint("one", "pcmu", PLAIN), endpoint("two", "pcmu", PLAIN),
                                       endpoint("post", "pcmu", PLAIN), floor={"lease": "200ms", "hang": "0ms"}))
        lines = (("Control from seven, I have two persons in red jackets at the east gate.", "en-us"),
                 ("Seven from control, are they carrying anything? Over.", "en-gb"),
                 ("One of them has a black bag, they are walking towards the car park now.", "en-us"),
                 ("Understood, stay with them, an officer will be with you in three minutes.", "en-gb"),
                 ("They have stopped beside a white van, the driver is talking to them.", "en-us"),
                 ("Can you read the number of the van? Do not go any closer.", "en-gb"),
                 ("Negative, it is turned away from me. I am moving to the north side.", "en-us"),
                 ("Copied, north side. Metro forty two is at the roundabout.", "en-gb"))
        sounds = [self.sound(gateway, f"line{number}", *line) for number, line in enumerate(lines)]
        radios, post = [self.radio(gateway, name) for name in ("one", "two")], self.radio(gateway, "post")
        began, sent, turn = time.monotonic(), 0, 0
        while time.monotonic() < began + (60 if "CROSSPATCH_LONG" in os.environ else 20):
            sound = sounds[turn % len(sounds)]
            radios[turn % 2].talk(sound)
            sent, turn = sent + len(sound) // FRAME, turn + 1
            time.sleep(0.3)
        time.sleep(1)
        self.assertEqual(sent, len(post.packets), "nobody was cut off")
        self.assertEqual([], gateway.records("bridge.loop"))
        self.assertNotIn("loop.", " ".join(self.alarms(gateway)))


if __name__ == "__main__":
    main()
