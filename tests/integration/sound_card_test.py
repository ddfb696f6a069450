#!/usr/bin/env python3
"""crosspatch-radio on a sound card that is made of software; arguments: the program crosspatch-radio, the program correlate.

A private PulseAudio with one null sink stands for the card: what is played into `gw_a` is heard from `gw_a_mon`.
"""
import itertools
import os
import pty
import subprocess
import sys
import tempfile
import time
import unittest

from radios import Bench, free_ports, result
from rtp_peer import Peer

RADIO, CORRELATE = sys.argv.pop(1), sys.argv.pop(1)


class SoundCard(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.bench = Bench(RADIO, CORRELATE, folder.name)
        self.addCleanup(self.bench.close)
        socket = self.bench.path("native")
        with open(self.bench.path("asound.conf"), "w", encoding="ascii") as file:
            file.write("</usr/share/alsa/alsa.conf>\n"
                       f'pcm.gw_a {{ type pulse server "unix:{socket}" device "gw_a" }}\n'
                       f'pcm.gw_a_mon {{ type pulse server "unix:{socket}" device "gw_a.monitor" }}\n')
        home = {"HOME": folder.name, "XDG_RUNTIME_DIR": folder.name}
        self.environment = {**os.environ, **home, "ALSA_CONFIG_PATH": self.bench.path("asound.conf")}
        # ALSA and PulseAudio keep what they read of their configuration until the end.
        self.environment["ASAN_OPTIONS"] = "detect_leaks=0:" + os.environ.get("ASAN_OPTIONS", "")
        self.pulse = subprocess.Popen(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--disallow-exit", "-L",
             f"module-native-protocol-unix socket={socket} auth-anonymous=1", "-L",
             "module-null-sink sink_name=gw_a rate=48000 channels=1 channel_map=mono"],
            env={**os.environ, **home}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.stop_pulse)
        for _ in range(100):
            if os.path.exists(socket):
                return
            time.sleep(0.05)
        self.fail("PulseAudio does not start")

    def stop_pulse(self):
        self.pulse.terminate()
        self.pulse.wait(timeout=10)

    def test_the_list_names_the_card(self):
        run = subprocess.run([RADIO, "--device", "list"], env=self.environment, capture_output=True, text=True, check=True)
        self.assertIn("gw_a ", run.stdout)
        self.assertIn("gw_a_mon ", run.stdout)
        self.assertEqual("", run.stderr)

    def test_a_card_that_is_not_there_is_named(self):
        run = subprocess.run([RADIO, "--remote", "127.0.0.1:9", "--srtp", "none", "--device", "gw_z"], env=self.environment,
                             capture_output=True, text=True, check=False)
        self.assertEqual(1, run.returncode)
        self.assertIn("'gw_z'", run.stderr)
        self.assertEqual(1, run.stderr.count("\n"), run.stderr)

    def test_speech_goes_through_the_loudspeaker_and_the_microphone(self):
        said = self.bench.speech("said", "Dispatch to all units. Stand by for a description of the vehicle.")
        one, two, three, four = free_ports(4)
        common = ["--codec", "l16/16000", "--srtp", "none"]
        recorder = self.bench.start(four, three, *common, "--write", self.bench.path("heard.wav"), "--for", "12s")
        microphone = self.bench.start(three, four, *common, "--device", "gw_a_mon", "--mute", "--ptt", "always", "--for", "9s",
                                      env=self.environment)
        speaker = self.bench.start(two, one, *common, "--device", "gw_a", "--for", "9s", buffer_ms=500,
                                   env=self.environment)
        talker = self.bench.start(one, two, *common, "--talk", said, "--talk-after", "1500ms", "--for", "8s")
        self.assertEqual(1, result(talker)["sent"]["talkspurts"])
        self.assertEqual(0, result(speaker)["heard"]["concealed_frames"])
        sent = result(microphone)
        self.assertEqual(1, sent["sent"]["talkspurts"])
        self.assertGreater(sent["sent"]["packets"], 250)
        self.assertEqual(0, sent["card_overruns"])
        result(recorder)
        alike = self.bench.alike(said, self.bench.path("heard.wav"))
        self.assertGreater(alike["waveform"], 0.9, alike)

    def press_space(self, ptt, seconds):
        """A radio at a terminal whose space bar is pressed for a while; gives its report and what it sent."""
        near, far = free_ports(2)
        peer = Peer(far)
        self.addCleanup(peer.close)
        keyboard, terminal = pty.openpty()
        self.addCleanup(os.close, keyboard)
        radio = self.bench.start(near, far, "--codec", "pcmu", "--srtp", "none", "--device", "gw_a_mon", "--mute", "--ptt", ptt,
                                 stdin=terminal, env=self.environment)
        os.close(terminal)
        while not peer.datagrams and radio.poll() is None:
            time.sleep(0.01)
        time.sleep(4)  # until this microphone has begun to deliver
        for wait, key in ((seconds, b" "), (1, b" "), (0, b"q")):
            os.write(keyboard, key)
            time.sleep(wait)
        return peer.report_of(radio), peer.packets

    def test_the_space_bar_is_the_key_of_an_air_ground_radio(self):
        report, packets = self.press_space("space,ed137:vcs", 1.5)
        self.assertEqual(1, report["sent"]["talkspurts"])
        keyed = [packet.words[0] >> 5 for packet in packets]
        self.assertEqual([0, 1, 0], [key for key, _ in itertools.groupby(keyed)])
        self.assertEqual({0}, {packet.type for packet, key in zip(packets, keyed) if key} - {123})
        self.assertEqual({123}, {packet.type for packet, key in zip(packets, keyed) if not key})
        self.assertAlmostEqual(75, report["sent"]["packets"], delta=10)
        self.assertGreaterEqual(min(keyed.index(1), keyed[::-1].index(1)), 4)

    def test_the_space_bar_is_a_telephone_event_and_its_release_is_the_end(self):
        report, packets = self.press_space("space,event", 1.5)
        events = [packet for packet in packets if packet.type == 101]
        self.assertEqual(events[0], packets[0])
        self.assertEqual([True] * 3, [bool(packet.payload[1] & 0x80) for packet in events[-3:]])
        self.assertAlmostEqual(1.5 * 8000, int.from_bytes(events[-1].payload[2:], "big"), delta=800)
        self.assertAlmostEqual(75, report["sent"]["packets"], delta=10)
        self.assertEqual(len(events), report["events_sent"])

    def test_the_space_bar_opens_a_microphone_that_else_sends_silence(self):
        report, packets = self.press_space("space,vox", 1.5)
        self.assertEqual(1, report["sent"]["talkspurts"])
        self.assertGreater(len(packets), 150)
        self.assertEqual({160}, {(after.timestamp - before.timestamp) % 2**32 for before, after in itertools.pairwise(packets)})
        self.assertEqual({b"\xff" * 160}, {packet.payload for packet in packets[:25] + packets[-25:]})


if __name__ == "__main__":
    unittest.main(verbosity=2)
