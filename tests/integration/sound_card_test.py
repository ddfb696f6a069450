#!/usr/bin/env python3
"""crosspatch-radio on a sound card that is made of software; arguments: the program crosspatch-radio, the program correlate.

A private PulseAudio with one null sink stands for the card: what is played into `gw_a` is heard from `gw_a_mon`.
"""
import os
import subprocess
import sys
import tempfile
import time
import unittest

from radios import Bench, free_ports, result

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
