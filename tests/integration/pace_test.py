#!/usr/bin/env python3
"""`pace: true`: the packets of a talker's longer frames leave `ptime` apart, measured by the kernel's stamps at the listener."""
import socket
import statistics
import struct
import threading
import time

from gateway import PLAIN, GatewayTest, channel, endpoint, main

PCMU, TICKS = 0, 480  # a frame of 60 ms
FRAME_MS, PTIME_MS, FRAMES = 60, 20, 60
TIMESTAMPS = 35  # SO_TIMESTAMPNS


class Ear(threading.Thread):
    """A radio in the clear that only listens: (ms, sequence, timestamp) of each packet."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, TIMESTAMPS, 1)
        self.sock.bind(("127.0.0.1", port))
        self.sock.settimeout(0.1)
        self.packets, self.done = [], False
        self.start()

    def run(self):
        while not self.done:
            try:
                octets, extra, _, _ = self.sock.recvmsg(2048, 64)
            except TimeoutError:
                continue
            seconds, nanoseconds = struct.unpack("qq", extra[0][2][:16])
            if not 192 <= octets[1] <= 223:
                sequence, timestamp = struct.unpack("!HI", octets[2:8])
                self.packets.append((seconds * 1e3 + nanoseconds / 1e6, sequence, timestamp))

    def close(self):
        self.done = True
        self.join()
        self.sock.close()


class Pace(GatewayTest):
    def talk(self, gateway):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", gateway.remotes["talker"]))
        due = time.monotonic()
        for n in range(FRAMES):
            header = struct.pack("!BBHII", 0x80, PCMU, 7 + n, n * TICKS, 0x0D0D0D0D)
            sock.sendto(header + bytes([0x2A]) * TICKS, ("127.0.0.1", gateway.listens["talker"]))
            due += FRAME_MS / 1000
            time.sleep(max(0.0, due - time.monotonic()))
        sock.close()

    def gaps(self, packets):
        """Milliseconds from each packet to the next: those inside a frame, and those from a frame's last to the next one's."""
        times = [at for at, _, _ in packets]
        gaps = [after - before for before, after in zip(times, times[1:])]
        return [gap for n, gap in enumerate(gaps) if n % 3 != 2], gaps[2::3]

    def test_a_longer_frame_reaches_who_asks_for_it_in_packets_that_are_spaced(self):
        gateway = self.gateway(channel("ng-ops", "northgate", endpoint("talker", "pcmu", PLAIN),
                                       endpoint("spaced", "pcmu", PLAIN, pace=True), endpoint("plain", "pcmu", PLAIN)))
        ears = {name: Ear(gateway.remotes[name]) for name in ("spaced", "plain")}
        for ear in ears.values():
            self.addCleanup(ear.close)
        self.talk(gateway)
        gateway.wait_for(lambda: all(len(ear.packets) == 3 * FRAMES for ear in ears.values()), 5, "all packets to be heard")
        for ear in ears.values():
            for before, after in zip(ear.packets, ear.packets[1:]):
                self.assertEqual((before[1] + 1) % 65536, after[1])
                self.assertEqual((before[2] + TICKS // 3) % 2**32, after[2])
        # Half of the rounds may be unlucky: the machine has other work.
        inside, between = self.gaps(ears["spaced"].packets)
        print(f"spaced: {statistics.median(inside):.2f} ms inside a frame, {statistics.median(between):.2f} ms to the next")
        self.assertAlmostEqual(PTIME_MS, statistics.median(inside), delta=1.5)
        self.assertAlmostEqual(PTIME_MS, statistics.median(between), delta=1.5)
        inside, between = self.gaps(ears["plain"].packets)
        print(f"plain: {statistics.median(inside):.2f} ms inside a frame, {statistics.median(between):.2f} ms to the next")
        self.assertLess(statistics.median(inside), 2)
        self.assertGreater(statistics.median(between), FRAME_MS - 10)


if __name__ == "__main__":
    main()
