"""The other side of one radio, in the clear: keeps what comes, and sends what a test says."""
import socket
import struct
import threading
import time

from radios import result


class Packet:
    """An RTP packet as it came."""

    def __init__(self, octets, at):
        self.at = at
        first, second, self.sequence, self.timestamp, self.ssrc = struct.unpack("!BBHII", octets[:12])
        self.marker, self.type = bool(second & 0x80), second & 0x7F
        self.profile, self.words, rest = None, b"", octets[12:]
        if first & 0x10:
            self.profile, count = struct.unpack("!HH", rest[:4])
            self.words, rest = rest[4:4 + 4 * count], rest[4 + 4 * count:]
        self.payload = rest


class Peer:
    """`answer(packet)` may give a list of datagrams; `talk(peer)` runs beside it, once the radio has been heard."""

    def __init__(self, port, answer=None, talk=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.socket.settimeout(0.05)
        self.answer, self.talk = answer, talk
        self.packets, self.datagrams, self.radio = [], [], None
        self.sequence, self.running = 100, True
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run)]
        self.threads[0].start()

    def run(self):
        while self.running:
            try:
                octets, radio = self.socket.recvfrom(2048)
            except TimeoutError:
                continue
            now = time.monotonic()
            self.datagrams.append((time.time(), octets))
            if not self.radio:
                self.radio = radio
                if self.talk:
                    self.threads.append(threading.Thread(target=self.talk, args=(self,)))
                    self.threads[-1].start()
            if not 192 <= octets[1] <= 223:  # RFC 5761: those are RTCP
                self.packets.append(Packet(octets, now))
                for reply in (self.answer(self.packets[-1]) if self.answer else None) or []:
                    self.send(*reply)

    def send(self, kind, payload=b"", extension=None, timestamp=0, skip=0):
        """One RTP packet; `extension` under ED-137's profile; `skip` numbers are left out before it."""
        with self.lock:
            self.sequence += 1 + skip
            header = struct.pack("!BBHII", 0x90 if extension else 0x80, kind, self.sequence, timestamp, 0x5EED)
            if extension:
                header += struct.pack("!HH", 0x0167, len(extension) // 4) + extension
            self.socket.sendto(header + payload, self.radio)

    def report_of(self, radio):
        """The radio's report, once it has ended and all that it sent has been read."""
        report, read = result(radio), -1
        while read < len(self.datagrams):
            read = len(self.datagrams)
            time.sleep(0.1)
        return report

    def close(self):
        self.running = False
        for thread in self.threads:
            thread.join()
        self.socket.close()

    def sound(self, kind=0):
        return [packet for packet in self.packets if packet.type == kind]

    def write(self, path):
        """All that came, as a capture of raw IP datagrams to port 40000."""
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
            for at, octets in self.datagrams:
                udp = struct.pack("!HHHH", 40002, 40000, 8 + len(octets), 0) + octets
                ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1") + udp
                file.write(struct.pack("<IIII", int(at), int(at % 1 * 1e6), len(ip), len(ip)) + ip)
