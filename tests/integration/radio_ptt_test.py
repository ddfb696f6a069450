#!/usr/bin/env python3
"""A radio whose key is in its packets, a telephone event, or nowhere; arguments: the programs crosspatch-radio, correlate."""
import itertools
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from radios import Bench, free_ports, keys, result
from rtp_peer import Peer

RADIO, CORRELATE = sys.argv.pop(1), sys.argv.pop(1)
ED137, R2S, EVENT = 0x0167, 123, 101
OFF, MUTED, SQUELCH, NORMAL, EMERGENCY = 0, 0x0020, 0x1000, 0x2000, 0x8000
LOUD, SILENT = b"\x2a\xaa" * 80, b"\xff" * 160  # 20 ms of PCMU


def word(key, ptt_id=0):
    """An ED-137 extension of one word."""
    return struct.pack("!HH", key | ptt_id << 6, 0)


def pairs(items):
    return list(zip(items, items[1:]))


class Ptt(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.bench = Bench(RADIO, CORRELATE, cls.folder.name)
        cls.words = cls.bench.speech("guard", "Unit seven, fight at the north gate.")

    @classmethod
    def tearDownClass(cls):
        cls.bench.close()
        cls.folder.cleanup()

    def radio(self, ptt, *options, answer=None, talk=None, codec="pcmu"):
        """A radio and its peer, which is there first."""
        near, far = free_ports(2)
        peer = Peer(far, answer, talk)
        self.addCleanup(peer.close)
        radio = self.bench.start(near, far, "--srtp", "none", "--codec", codec, "--ptt", ptt, *options)
        return radio, peer

    def talker(self, ptt, *options, **kinds):
        """A radio that has talked its words; gives its report and the peer."""
        radio, peer = self.radio(ptt, "--talk", self.words, "--talk-after", "500ms", *options, **kinds)
        return peer.report_of(radio), peer

    def events(self, report):
        return [(event["event"], event["ptt"]) for event in report["ed137"]["events"]]

    def check_stream(self, peer, clock=8000):
        """One stream, numbered without holes, whose clock is real time."""
        first = peer.packets[0]
        self.assertEqual({first.ssrc}, {packet.ssrc for packet in peer.packets})
        self.assertEqual({1}, {(b.sequence - a.sequence) % 65536 for a, b in pairs(peer.packets)})
        for packet in peer.packets:
            if packet.type != EVENT:
                moment = (packet.timestamp - first.timestamp) % 2**32 / clock
                self.assertAlmostEqual(packet.at - first.at, moment, delta=0.25)

    def turns(self, peer):
        """The sound's packets by talkspurt, and the packet that follows each."""
        turns = []
        for packet, after in itertools.zip_longest(peer.packets, peer.packets[1:]):
            if packet.type == 0:
                if packet.marker:
                    turns.append([[], None])
                turns[-1][0].append(packet)
                turns[-1][1] = after
        return turns

    # ED-137

    def check_air_ground(self, ptt, keyed, *options):
        """Two turns of a radio whose packets say `keyed` while it talks, and nothing while it does not."""
        report, peer = self.talker(ptt, "--ptt-id", 5, "--keep-alive", "100ms", "--repeat", 2, "--gap", "1s", *options)
        self.assertEqual({(ED137, 4)}, {(packet.profile, len(packet.words)) for packet in peer.packets})
        self.check_stream(peer)
        self.assertTrue(all((b.timestamp - a.timestamp) % 2**32 < 2**31 for a, b in pairs(peer.packets)))

        turns = self.turns(peer)
        self.assertEqual(2, len(turns))
        for sound, after in turns:
            self.assertGreater(len(sound), 70)
            self.assertEqual({keyed}, {packet.words for packet in sound})
            self.assertEqual((R2S, word(OFF)), (after.type, after.words), "the end of the key is told at once")
            self.assertLess(after.at - sound[-1].at, 0.06)
        silent = [packet for packet in peer.packets if packet.type == R2S]
        self.assertEqual({(b"", False, word(OFF))}, {(packet.payload, packet.marker, packet.words) for packet in silent})
        between = [b.at - a.at for a, b in pairs(peer.packets) if b.type == R2S and a.type == R2S]
        self.assertAlmostEqual(0.1, statistics.median(between), delta=0.01)
        self.assertGreater(min(between), 0.05)
        self.assertEqual(R2S, peer.packets[0].type, "from the start")
        self.assertEqual(R2S, peer.packets[-1].type, "to the end")
        self.assertEqual((len(silent), sum(len(sound) for sound, _ in turns)),
                         (report["ed137"]["keep_alives_sent"], report["sent"]["packets"]))
        self.assertEqual((0, False, []), (report["ed137"]["found"], report["ed137"]["squelch"], report["ed137"]["events"]))
        return peer

    def test_a_voice_switch_keys_its_sound_and_keeps_the_session_alive_between(self):
        self.check_air_ground("ed137:vcs", word(NORMAL, 5))

    def test_a_ground_station_opens_its_squelch_while_it_talks(self):
        self.check_air_ground("ed137", word(SQUELCH))

    def test_an_emergency_is_keyed_as_one_and_tshark_reads_it(self):
        peer = self.check_air_ground("ed137:vcs", word(EMERGENCY, 5), "--emergency")
        read = self.tshark(peer, "rtp.ext.ed137a.ptt_type", "rtp.ext.ed137a.ptt_id", "rtp.p_type", "rtp.seq")
        self.assertEqual([(str(int.from_bytes(packet.words[:2], "big") >> 13),
                           str(int.from_bytes(packet.words[:2], "big") >> 6 & 63), str(packet.type), str(packet.sequence))
                          for packet in peer.packets], [(str(int(ptt, 0)), str(int(own, 0)), *rest) for ptt, own, *rest in read])

    def say(self, peer, count, extension, kind=0, payload=LOUD):
        """Packets in real time, whose timestamps go on where the last ones ended."""
        for _ in range(count):
            peer.send(kind, payload, extension, timestamp=peer.clock)
            peer.clock += 160
            time.sleep(0.02)

    def test_a_ground_station_reports_the_key_gives_it_back_and_loses_no_sound_to_keep_alives(self):
        def talk(peer):
            peer.clock = 0
            self.say(peer, 5, word(OFF, 9), R2S, b"")
            self.say(peer, 40, word(NORMAL, 9))
            self.say(peer, 1, word(NORMAL, 9), R2S, b"")
            self.say(peer, 20, word(EMERGENCY, 9))
            self.say(peer, 5, word(OFF, 9), R2S, b"")
            time.sleep(1)  # longer than ten keep-alives
            peer.clock += 8000
            self.say(peer, 5, word(OFF, 9), R2S, b"")
        radio, peer = self.radio("ed137:grs", "--ptt-id", 7, "--keep-alive", "50ms", "--for", "6s", talk=talk)
        report = peer.report_of(radio)
        self.assertEqual([("found", "off"), ("key_down", "normal"), ("key_down", "emergency"), ("key_up", "off"), ("lost", "off"),
                          ("found", "off")], self.events(report)[:6])
        self.assertEqual((16, 2, 1), tuple(report["ed137"][what] for what in ("keep_alives_received", "found", "pressed")))
        self.assertEqual((60, 0, {}), tuple(report["received"][what] for what in ("packets", "lost", "bad")))
        self.assertEqual(0, report["heard"]["concealed_frames"])
        self.assertAlmostEqual(1200, report["heard"]["duration_ms"])
        said = [key for key, _ in itertools.groupby(packet.words for packet in peer.packets)]
        self.assertEqual([word(OFF), word(NORMAL, 7), word(EMERGENCY, 7), word(OFF)], said)

    def test_sound_that_is_lost_beside_keep_alives_is_counted(self):
        def talk(peer):
            peer.clock = 0
            self.say(peer, 20, word(NORMAL))
            self.say(peer, 1, word(NORMAL), R2S, b"")
            peer.send(0, LOUD, word(NORMAL), timestamp=peer.clock + 160, skip=1)
            peer.clock += 320
            self.say(peer, 20, word(NORMAL))
        radio, peer = self.radio("ed137", "--for", "5s", talk=talk)
        report = peer.report_of(radio)
        self.assertEqual((41, 1, 1), (report["received"]["packets"], report["received"]["lost"],
                                      report["heard"]["concealed_frames"]))

    def test_a_voice_switch_is_told_that_it_is_on_air_muted_and_that_a_squelch_opens(self):
        def answer(packet):
            """On air for ten packets, then muted; its squelch opens once the key is up."""
            if packet.type == R2S:
                return [(R2S, b"", word(SQUELCH if answer.keyed else OFF))]
            answer.keyed += 1
            return [(R2S, b"", word(NORMAL, 5) if answer.keyed <= 10 else word(MUTED))]
        answer.keyed = 0
        report, _ = self.talker("ed137:vcs", "--ptt-id", 5, answer=answer)
        self.assertEqual([("found", "off"), ("granted", "normal"), ("off_air", "off"), ("muted", "off"), ("squelch_open", "off"),
                          ("unmuted", "off")], self.events(report))
        self.assertEqual((1, 1, True), tuple(report["ed137"][what] for what in ("granted", "muted", "squelch")))

    def test_a_key_with_another_number_is_not_ours(self):
        report, _ = self.talker("ed137:vcs", "--ptt-id", 5,
                                answer=lambda packet: [(R2S, b"", word(OFF if packet.type == R2S else NORMAL, 6))])
        self.assertEqual(["found", "on_air", "off_air"], [event for event, _ in self.events(report)])
        self.assertEqual(0, report["ed137"]["granted"])

    def test_a_switch_and_a_ground_station_talk_under_srtp(self):
        near, far = free_ports(2)
        suite = "AEAD_AES_256_GCM"
        one, two = self.bench.key(suite), self.bench.key(suite)
        common = ["--codec", "pcma", "--srtp", suite]
        switch = self.bench.start(near, far, *common, *keys(one, two), "--ptt", "ed137:vcs", "--talk", self.words, "--talk-after",
                                  "1s", "--for", "5s")
        ground = self.bench.start(far, near, *common, *keys(two, one), "--ptt", "ed137", "--for", "6s")
        switch, ground = result(switch), result(ground)
        self.assertEqual([("found", "off"), ("granted", "normal"), ("off_air", "off")], self.events(switch)[:3])
        self.assertEqual([("found", "off"), ("key_down", "normal"), ("key_up", "off")], self.events(ground)[:3])
        for one, other in ((switch, ground), (ground, switch)):
            self.assertEqual(({}, 0, other["sent"]["packets"]), tuple(one["received"][what] for what in ("bad", "lost", "packets")))
            self.assertLessEqual(one["ed137"]["keep_alives_received"], other["ed137"]["keep_alives_sent"])
            self.assertGreater(one["ed137"]["keep_alives_received"], 4)

    # Telephone events

    def presses(self, peer, kind=EVENT):
        """The event packets by press, as (packet, number, end, volume, duration)."""
        presses = []
        for packet in peer.packets:
            if packet.type == kind:
                if packet.marker:
                    presses.append([])
                number, flags, duration = struct.unpack("!BBH", packet.payload)
                presses[-1].append((packet, number, bool(flags & 0x80), flags & 0x3F, duration))
        return presses

    def check_press(self, peer, press, number):
        ends = [end for _, _, end, _, _ in press]
        self.assertEqual([False] * (len(press) - 3) + [True] * 3, ends)
        self.assertEqual({number}, {number for _, number, *_ in press})
        self.assertEqual(1, len({duration for *_, duration in press[-3:]}), "the end is always the same")
        times = [packet.at for packet, *_ in press]
        self.assertAlmostEqual(0.05, statistics.median(b - a for a, b in pairs(times)), delta=0.01)
        sound = [packet for packet in peer.sound() if times[0] - 0.01 <= packet.at <= times[-1]]
        self.assertGreater(len(sound), 70, "the sound goes on between")
        self.assertEqual((press[0][0].sequence + 1) % 65536, sound[0].sequence, "the key comes before the sound")
        self.assertTrue(sound[0].marker)
        self.assertEqual(press[0][0].timestamp, sound[0].timestamp)
        self.assertLess(press[0][0].at - sound[0].at, 0.01)
        end = press[-3][0]
        self.assertEqual(sound[-1].sequence, (end.sequence - 1) % 65536, "the end comes right after the last sound")
        self.assertAlmostEqual(len(sound) * 160, (end.timestamp - press[0][0].timestamp) % 2**32 + press[-1][4], delta=240)

    def test_a_telephone_event_lasts_as_long_as_each_press(self):
        report, peer = self.talker("event", "--repeat", 2, "--gap", "1s")
        self.check_stream(peer)
        presses = self.presses(peer)
        self.assertEqual(2, len(presses))
        for press in presses:
            self.check_press(peer, press, 10)
            self.assertEqual(1, len({packet.timestamp for packet, *_ in press}))
            durations = [duration for *_, duration in press]
            self.assertTrue(all(a < b for a, b in pairs(durations[:-3])), durations)
            self.assertGreater(durations[0], 0)
        self.assertEqual((sum(map(len, presses)), len(peer.sound())), (report["events_sent"], report["sent"]["packets"]))
        read = self.tshark(peer, "rtpevent.event_id", "rtpevent.end_of_event", "rtpevent.duration", wanted="rtpevent")
        self.assertEqual([("10", str(int(end)), str(duration)) for press in presses for _, _, end, _, duration in press],
                         [(number, str(int(end in ("1", "True"))), duration) for number, end, duration in read])

    def test_a_press_that_outgrows_sixteen_bits_goes_on_under_a_new_timestamp(self):
        report, peer = self.talker("event:200", "--event-type", 98, codec="opus")  # whose clock is 48 kHz
        press, = self.presses(peer, 98)
        segments = [list(segment) for _, segment in itertools.groupby(press, lambda item: item[0].timestamp)]
        self.assertGreater(len(segments), 1)
        for segment, after in pairs(segments):
            self.assertEqual(0xFFFF, (after[0][0].timestamp - segment[0][0].timestamp) % 2**32)
            self.assertEqual([0xFFFF] * 3, [duration for *_, duration in segment[-3:]])
        self.assertEqual([False] * (len(press) - 3) + [True] * 3, [end for _, _, end, *_ in press])
        self.assertEqual([True], [packet.marker for packet, *_ in press if packet.marker])
        for segment in segments:
            durations = [duration for *_, duration in segment[:-3]]
            self.assertTrue(all(a < b for a, b in pairs(durations)), durations)
        self.assertAlmostEqual(len(peer.sound(111)) * 960, 0xFFFF * (len(segments) - 1) + press[-1][4], delta=1440)
        self.assertEqual({200}, {number for _, number, *_ in press})
        self.assertEqual(len(press), report["events_sent"])
        self.assertEqual({1}, {(b.sequence - a.sequence) % 65536 for a, b in pairs(peer.packets)})

    def test_events_of_the_other_side_are_no_sound_and_no_loss(self):
        def talk(peer):
            peer.clock = 0
            for _ in range(5):
                self.say(peer, 3, None)
                peer.send(EVENT, b"\x0a\x0a\0\xa0", timestamp=0)
        radio, peer = self.radio("event", "--for", "4s", talk=talk)
        report = peer.report_of(radio)
        self.assertEqual((15, 0, {}), tuple(report["received"][what] for what in ("packets", "lost", "bad")))
        self.assertEqual((0, 0), (report["heard"]["concealed_frames"], report["events_sent"]))

    def test_who_ends_in_mid_word_lets_go_first(self):
        for ptt in ("ed137:vcs", "event"):
            radio, peer = self.radio(ptt, "--talk", self.words, "--for", "1s")
            report = peer.report_of(radio)
            self.assertAlmostEqual(50, report["sent"]["packets"], delta=3)
            if ptt == "event":
                self.assertEqual([True] * 3, [end for _, _, end, *_ in self.presses(peer)[0]][-3:])
                self.assertEqual([EVENT] * 3, [packet.type for packet in peer.packets[-3:]])
            else:
                self.assertEqual((R2S, word(OFF)), (peer.packets[-1].type, peer.packets[-1].words))
                self.assertEqual((0, word(NORMAL)), (peer.packets[-2].type, peer.packets[-2].words))

    # Vox

    def test_vox_sends_silence_whenever_it_does_not_talk(self):
        report, peer = self.talker("vox", "--repeat", 2, "--gap", "1s")
        self.check_stream(peer)
        self.assertEqual({0}, {packet.type for packet in peer.packets})
        self.assertEqual([True], [packet.marker for packet in peer.packets if packet.marker])
        self.assertTrue(peer.packets[0].marker)
        self.assertEqual({160}, {(b.timestamp - a.timestamp) % 2**32 for a, b in pairs(peer.packets)})
        self.assertEqual({None}, {packet.profile for packet in peer.packets})
        loud = [packet.payload != SILENT for packet in peer.packets]
        first, last = loud.index(True), len(loud) - 1 - loud[::-1].index(True)
        self.assertAlmostEqual(25, first, delta=8)
        self.assertGreater(len(loud) - last, 90, "silence for two seconds more")
        pauses = [len(list(run)) for is_loud, run in itertools.groupby(loud) if not is_loud]
        self.assertTrue(any(48 <= pause <= 75 for pause in pauses[1:-1]), pauses)
        self.assertEqual(len(loud), report["sent"]["packets"])
        self.assertAlmostEqual(report["ran_ms"] / 20, len(loud), delta=5)

    def test_vox_without_words_is_silence_to_the_end(self):
        radio, peer = self.radio("vox", "--for", "1s")
        report = peer.report_of(radio)
        self.assertEqual({SILENT}, {packet.payload for packet in peer.packets})
        self.assertAlmostEqual(50, report["sent"]["packets"], delta=3)

    # The rest

    def tshark(self, peer, *fields, wanted="rtp"):
        """One tuple of fields for each packet of the radio, in none of which tshark finds fault."""
        path = self.bench.path("peer.pcap")
        peer.write(path)

        def read(wanted, *fields):
            run = subprocess.run(["tshark", "-n", "-r", path, "-d", "udp.port==40000,rtp", "-o",
                                  f"rtpevent.event_payload_type_value:{EVENT}", "-Y", wanted, "-T", "fields",
                                  *[item for field in fields for item in ("-e", field)]],
                                 capture_output=True, text=True, check=True, timeout=60)
            return [tuple(line.split("\t")) for line in run.stdout.splitlines()]
        self.assertEqual([], read("_ws.malformed || _ws.expert.severity >= 0x600000", "frame.number", "_ws.expert.message"))
        self.assertEqual([], read("!rtp && !rtcp", "frame.number"), "not read as what it is")
        return read(wanted, *fields)

    def test_words_that_make_no_sense_are_told_apart(self):
        for options, complaint in ((["--ptt", "ed137:pilot"], "'pilot' is no role"), (["--ptt", "event:256"], "'256' is no event"),
                                   (["--ptt", "event:"], "'' is no event"), (["--ptt", "vox:1"], "'vox:1' is none of"),
                                   (["--ptt", "mcptt,ed137"], "'ed137' is a second way"),
                                   (["--ptt", "vox,event"], "'event' is a second way"),
                                   (["--ptt", "ed137", "--emergency"], "a ground station has no key"),
                                   (["--ptt", "event", "--emergency"], "claims of --ptt mcptt"),
                                   (["--ptt", "ed137", "--floor-priority", "1"], "claims of --ptt mcptt"),
                                   (["--ptt", "event", "--ptt-id", "1"], "belong to --ptt ed137"),
                                   (["--keep-alive", "1s"], "belong to --ptt ed137"),
                                   (["--ptt", "ed137", "--keep-alive", "10ms"], "'10ms' is not from 20ms to 1s"),
                                   (["--ptt", "ed137", "--ptt-id", "64"], "--ptt-id"),
                                   (["--ptt", "ed137", "--payload-type", "123"], "ED-137's keep-alives"),
                                   (["--event-type", "98"], "belongs to --ptt event"),
                                   (["--ptt", "event", "--payload-type", "101"], "is the sound's"),
                                   (["--ptt", "event", "--event-type", "95"], "--event-type"),
                                   (["--ptt", "vox", "--dtx"], "--dtx leaves silence out"),
                                   (["--ptt", "vox", "--listen-only"], "leave --ptt event and --ptt vox out"),
                                   (["--ptt", "space,vox"], "--ptt needs --device")):
            radio = self.bench.start(0, 40000, "--srtp", "none", *options)
            out, err = radio.communicate(timeout=10)
            self.assertEqual((2, "", 1), (radio.returncode, out, err.count("\n")), (options, err))
            self.assertIn(complaint, err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
