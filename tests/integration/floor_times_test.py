#!/usr/bin/env python3
"""How long a floor takes to change hands, measured from outside: an emergency, and talkers who are suddenly gone.

The bounds are those of the issue. These tests run under sanitizers and beside other programs, which now and then keep one of
the processes from its turn for tens of milliseconds; that is no property of the gateway. So each measurement is repeated,
and the median has to keep the bound: half of the rounds may be unlucky, and a gateway that is late by itself is so every time.
"""
import signal
import socket
import statistics
import struct
import threading
import time

from gateway import CM80, PLAIN, GatewayTest, channel, ended, endpoint, main
from radios import Wire, free_ports, keys

WORDS = "Fight at the north gate."
ROUNDS = 3
PCMU, SAMPLES = 0, 160      # a packet of 20 ms
DRONE = bytes([0x2A]) * SAMPLES  # what the old talker says: relayed to a listener of his codec as it is
APP, IDLE = 204, 5          # RTCP; Floor Idle
TIMESTAMPS = 35             # SO_TIMESTAMPNS
LEASE_MS, MORE_MS = 600, 20
EMERGENCY_MS = 200


class Drone(threading.Thread):
    """A radio in the clear that talks until it is told to stop, whatever anybody says."""

    def __init__(self, local, remote):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", local))
        self.remote = ("127.0.0.1", remote)
        self.sequence, self.done, self.last = 0, threading.Event(), 0
        self.start()

    def run(self):
        due = time.monotonic()
        while not self.done.is_set():
            header = struct.pack("!BBHII", 0x80, PCMU, self.sequence % 65536, self.sequence * SAMPLES % 2**32, 0x0D0D0D0D)
            self.last = time.time_ns()
            self.sock.sendto(header + DRONE, self.remote)
            self.sequence += 1
            due += 0.02
            time.sleep(max(0.0, due - time.monotonic()))

    def stop(self):
        """Ends without a word; when its last packet went out, in ns."""
        self.done.set()
        self.join()
        self.sock.close()
        return self.last


class Ear(threading.Thread):
    """A handset in the clear that only listens: (ns, payload) of all media, and when it was told that the floor is idle, by
    the kernel's stamps."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, TIMESTAMPS, 1)
        self.sock.bind(("127.0.0.1", port))
        self.sock.settimeout(0.1)
        self.media, self.idle, self.done = [], [], False
        self.start()

    def run(self):
        while not self.done:
            try:
                octets, extra, _, _ = self.sock.recvmsg(2048, 64)
            except TimeoutError:
                continue
            seconds, nanoseconds = struct.unpack("qq", extra[0][2][:16])
            at = seconds * 10**9 + nanoseconds
            if octets[1] == APP and octets[8:12] == b"MCPT":
                if octets[0] & 0x0F == IDLE:
                    self.idle.append(at)
            elif not 192 <= octets[1] <= 223:
                self.media.append((at, octets[12:]))

    def close(self):
        self.done = True
        self.join()
        self.sock.close()

    def heard_since(self, count):
        return self.media[count:]

    def idle_after(self, at):
        return next((idle for idle in self.idle if idle >= at), None)


class Times(GatewayTest):
    def house(self, *more):
        """A drone and an ear in the clear, and others, on one channel."""
        gateway = self.gateway(
            channel("ng-ops", "northgate", endpoint("drone", "pcmu", PLAIN), endpoint("ear", "pcmu", PLAIN, ptt="mcptt"), *more,
                    floor={"lease": f"{LEASE_MS}ms", "hang": "0ms"}))
        ear = Ear(gateway.remotes["ear"])
        self.addCleanup(ear.close)
        return gateway, ear

    def drone(self, gateway):
        drone = Drone(gateway.remotes["drone"], gateway.listens["drone"])
        self.addCleanup(lambda: drone.done.is_set() or drone.stop())
        return drone

    def is_idle(self, gateway):
        return gateway.item("floor", "ng-ops")["state"] == "idle"

    def test_an_emergency_is_heard_while_the_old_talker_goes_on(self):
        [near] = free_ports(1)
        pressed = []

        def fate(_, octets):
            if octets[1] == APP and not pressed:  # its type stands in the clear: the Request, and later an Ack
                pressed.append(time.time_ns())
            return 0.0
        wire = Wire(near, 0, fate)
        self.addCleanup(lambda: wire.done or wire.stop())
        gateway, ear = self.house(endpoint("chief", "pcmu", CM80, ptt="mcptt", remote=f"127.0.0.1:{wire.far_port}"))
        wire.far = gateway.listens["chief"]
        words = gateway.bench.speech("words", WORDS)
        key = gateway.keys["chief"]
        took = []
        for _ in range(ROUNDS):
            before = len(ear.media)
            drone = self.drone(gateway)
            gateway.wait_for(lambda: len(ear.media) > before + 25, 10, "the old talker to be heard")
            pressed.clear()
            chief = gateway.bench.start(near, wire.near_port, "--codec", "pcmu", "--srtp", CM80,
                                        *keys(key["receive"], key["send"]), "--ptt", "mcptt", "--emergency", "--talk", words,
                                        buffer_ms=60)
            report = ended(chief)
            self.assertGreater(report["sent"]["packets"], 30, report)
            heard = ear.heard_since(before)
            new = [at for at, payload in heard if payload != DRONE]
            self.assertGreater(len(new), 30, "the emergency is heard")
            took.append((new[0] - pressed[0]) / 1e6)
            self.assertFalse([at for at, payload in heard if payload == DRONE and at > new[0]], "the old talker is cut off")
            self.assertFalse(drone.done.is_set(), "who still sends")
            drone.stop()
            gateway.wait_for(lambda: self.is_idle(gateway), 10, "the floor to be idle")
            time.sleep(2 * LEASE_MS / 1000)  # the drone's next packet is a new press
        print(f"press to the first new audio: {', '.join(f'{ms:.1f}' for ms in took)} ms")
        self.assertGreater(min(took), 0)
        self.assertLessEqual(statistics.median(took), EMERGENCY_MS)
        self.assertEqual(ROUNDS, len(gateway.recorded("floor.revoked", ROUNDS)))

    def assert_free_in_time(self, took):
        print(f"last packet to Floor Idle: {', '.join(f'{ms:.1f}' for ms in took)} ms")
        self.assertLessEqual(statistics.median(took), LEASE_MS + MORE_MS)
        self.assertGreater(min(took), LEASE_MS - 60, "nobody who lost three packets loses the floor")

    def test_the_floor_of_a_talker_who_stops_without_a_word_is_free(self):
        gateway, ear = self.house()
        took = []
        for _ in range(ROUNDS):
            before = len(ear.media)
            drone = self.drone(gateway)
            gateway.wait_for(lambda: len(ear.media) > before + 25, 10, "the talker to be heard")
            last = drone.stop()
            gateway.wait_for(lambda: ear.idle_after(last), 10, "the ear to be told")
            took.append((ear.idle_after(last) - last) / 1e6)
            time.sleep(LEASE_MS / 1000)
        self.assert_free_in_time(took)
        # That is how a press of packets ends, on record too: it is not a dead talker.
        ends = gateway.recorded("floor.released", ROUNDS)
        self.assertEqual(["silence"] * ROUNDS, [record["detail"]["phrase"] for record in ends])
        self.assertFalse(gateway.records("floor.timeout"))

    def test_the_floor_of_a_handset_that_is_killed_is_free(self):
        gateway, ear = self.house(endpoint("guard", "pcmu", CM80, ptt="mcptt"))
        words = gateway.bench.speech("words", WORDS)
        took = []
        for _ in range(ROUNDS):
            before = len(ear.media)
            guard = gateway.radio("guard", "--ptt", "mcptt", "--talk", words, "--repeat", "20", "--gap", "1ms")
            gateway.wait_for(lambda: len(ear.media) > before + 25, 10, "the handset to be heard")
            guard.send_signal(signal.SIGKILL)
            guard.wait()
            gateway.wait_for(lambda: ear.idle and ear.idle[-1] > ear.media[-1][0], 10, "the ear to be told")
            # What the ear heard last was its last packet: it is relayed as it comes, a few milliseconds after it was sent.
            took.append((ear.idle_after(ear.media[-1][0]) - ear.media[-1][0]) / 1e6)
            time.sleep(2.2)  # then it may begin anew under another SSRC
        self.assert_free_in_time(took)
        self.assertEqual(ROUNDS, len(gateway.recorded("floor.timeout", ROUNDS)))


if __name__ == "__main__":
    main()
