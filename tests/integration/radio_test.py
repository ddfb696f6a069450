#!/usr/bin/env python3
"""Two crosspatch-radio talk to each other; arguments: the program crosspatch-radio, the program correlate."""
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from radios import BUFFER_MS, SUITES, Bench, Wire, free_ports, keys, result

RADIO, CORRELATE = sys.argv.pop(1), sys.argv.pop(1)
# Codecs that keep the waveform, and those that only sound alike.
WAVEFORM = ["l16/8000", "l16/16000", "l16/48000", "pcmu", "pcma", "g722", "opus"]
SOUND = ["gsm", "codec2/3200", "codec2/1200"]
PTIME = {"l16/48000": "10ms", "codec2/1200": "40ms"}
AT_ONCE = 8  # pairs; two radios each


class Radios(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.bench = Bench(RADIO, CORRELATE, cls.folder.name)
        cls.guard = cls.bench.speech("guard", "Unit seven, fight at the north gate, two persons down.")
        cls.officer = cls.bench.speech("officer", "Copy, unit seven. We are on our way. Keep the gate clear.", "en-gb")

    @classmethod
    def tearDownClass(cls):
        cls.bench.close()
        cls.folder.cleanup()

    def pair(self, suite, codec, name, *options):
        """Two radios, each of which talks its own words; gives (process, what it heard, what the other said) of both."""
        near, far = free_ports(2)
        one, two = self.bench.key(suite), self.bench.key(suite)
        common = ["--codec", codec, "--ptime", PTIME.get(codec, "20ms"), "--srtp", suite, "--for", "11s", "--talk-after",
                  "2500ms", *options]
        sides = []
        for local, remote, send, receive, says, hears in ((near, far, one, two, self.guard, self.officer),
                                                          (far, near, two, one, self.officer, self.guard)):
            wav = self.bench.path(f"{name}-{local}.wav")
            sides.append((self.bench.start(local, remote, *common, *keys(send, receive), "--talk", says, "--write", wav),
                          wav, hears))
        return sides

    def check_heard(self, report, wav, said, talker, codec):
        self.assertEqual({}, report["received"]["bad"], report)
        self.assertEqual(0, report["received"]["lost"], report)
        self.assertEqual(1, report["heard"]["talkspurts"], report)
        self.assertGreater(report["heard"]["level_dbov"], -35, report)
        self.assertGreaterEqual(report["received"]["reports"], 1, report)
        alike = self.bench.alike(said, wav)
        self.assertGreater(alike["envelope"], 0.9, f"{codec}: {alike}")
        if codec in WAVEFORM:
            self.assertGreater(alike["waveform"], 0.9, f"{codec}: {alike}")
            # The file lies along real time: the words wait for their turn, and the codec takes a little.
            said_ms = (talker["sent"]["first_ns"] - report["started_ns"]) / 1e6
            self.assertAlmostEqual(said_ms + BUFFER_MS, alike["waveform_lag_ms"], delta=60, msg=f"{codec}: {alike}")

    def test_each_codec_through_each_suite_is_heard_both_ways(self):
        # Every codec and every suite; with CROSSPATCH_LONG every codec through every suite.
        cases = [(suite, codec) for suite, codec in itertools.product(SUITES, WAVEFORM + SOUND)
                 if "CROSSPATCH_LONG" in os.environ or suite == "AEAD_AES_256_GCM" or codec in ("opus", "pcmu")]
        for start in range(0, len(cases), AT_ONCE):
            batch = [(suite, codec, self.pair(suite, codec, f"{suite}-{codec.replace('/', '-')}"))
                     for suite, codec in cases[start:start + AT_ONCE]]
            for suite, codec, sides in batch:
                reports = [result(process) for process, _, _ in sides]
                for report, talker, (_, wav, said) in zip(reports, reversed(reports), sides):
                    with self.subTest(suite=suite, codec=codec):
                        self.check_heard(report, wav, said, talker, codec)

    def test_a_wrong_key_is_silence_and_says_why(self):
        near, far = free_ports(2)
        suite = "AEAD_AES_256_GCM"
        talker = self.bench.start(near, far, *keys(self.bench.key(suite), self.bench.key(suite)), "--talk", self.guard)
        wav = self.bench.path("wrong.wav")
        listener = self.bench.start(far, near, *keys(self.bench.key(suite), self.bench.key(suite)), "--listen-only",
                                    "--write", wav, "--for", "3s")
        heard = result(listener)
        self.assertEqual(0, heard["received"]["packets"])
        self.assertGreater(heard["received"]["bad"]["authentication"], 50)
        self.assertIsNone(heard["received"]["first_ns"])
        self.assertLess(self.bench.alike(self.guard, wav)["waveform"], 0.1)
        self.assertGreater(result(talker)["sent"]["packets"], 100)

    def test_a_tenth_of_the_packets_lost_is_concealed_and_counted(self):
        near, far = free_ports(2)
        # Media packets are long; reports, which are shorter than 100 octets, all come through.
        wire = Wire(near, far, lambda number, octets: None if len(octets) > 100 and number % 10 == 9 else 0.0)
        listener = self.bench.start(far, wire.far_port, "--codec", "pcmu", "--srtp", "none", "--listen-only", "--write",
                                    self.bench.path("lossy.wav"), "--for", "9s")
        talker = self.bench.start(near, wire.near_port, "--codec", "pcmu", "--srtp", "none", "--talk", self.guard,
                                  "--talk-after", "1s", "--for", "9s")
        sent, heard = result(talker)["sent"], result(listener)
        wire.stop()
        self.assertGreater(wire.dropped, 10)
        self.assertEqual(sent["packets"] - wire.dropped, heard["received"]["packets"])
        # A loss at the very end is not known to the listener.
        self.assertLessEqual(abs(heard["received"]["lost"] - wire.dropped), 1)
        self.assertEqual(heard["received"]["lost"], heard["heard"]["concealed_frames"])
        self.assertLess(heard["heard"]["longest_gap_ms"], 41)
        self.assertGreater(self.bench.alike(self.guard, self.bench.path("lossy.wav"))["envelope"], 0.85)

    def test_packets_that_overtake_each_other_are_played_in_order(self):
        near, far = free_ports(2)
        wire = Wire(near, far, lambda number, octets: self.bench.random.uniform(0, 0.06))
        listener = self.bench.start(far, wire.far_port, "--codec", "l16/16000", "--srtp", "none", "--listen-only",
                                    "--write", self.bench.path("jitter.wav"), "--for", "9s")
        talker = self.bench.start(near, wire.near_port, "--codec", "l16/16000", "--srtp", "none", "--talk", self.guard,
                                  "--talk-after", "1s", "--for", "9s")
        sent, heard = result(talker)["sent"], result(listener)
        wire.stop()
        self.assertEqual(sent["packets"], heard["received"]["packets"])
        self.assertEqual(0, heard["received"]["late"] + heard["heard"]["concealed_frames"])
        self.assertGreater(heard["received"]["jitter_ms"], 5)
        self.assertGreater(self.bench.alike(self.guard, self.bench.path("jitter.wav"))["waveform"], 0.99)

    def test_each_press_is_a_talkspurt_with_silence_between(self):
        near, far = free_ports(2)
        options = ["--codec", "pcma", "--srtp", "none"]
        listener = self.bench.start(far, near, *options)
        talker = self.bench.start(near, far, *options, "--talk", self.guard, "--repeat", 2, "--gap", "700ms")
        sent = result(talker)["sent"]  # ends by itself, once all was talked
        listener.terminate()
        heard = result(listener)
        self.assertEqual(2, sent["talkspurts"])
        self.assertEqual(2, heard["heard"]["talkspurts"])
        self.assertEqual(0, heard["heard"]["concealed_frames"])
        self.assertEqual(1, heard["received"]["byes"])
        (_, until), (begin, _) = heard["heard"]["spans_ms"]
        self.assertAlmostEqual(700, begin - until, delta=60)

    def test_dtx_leaves_packets_out_and_is_no_loss(self):
        near, far = free_ports(2)
        words = self.bench.path("pauses.wav")
        subprocess.run(["sox", self.guard, words, "pad", "0", "1.5"], check=True)
        options = ["--codec", "opus", "--srtp", "none"]
        listener = self.bench.start(far, near, *options, "--for", "10s")
        talker = self.bench.start(near, far, *options, "--dtx", "--talk", words, "--talk-after", "1s", "--for", "10s")
        sent, heard = result(talker)["sent"], result(listener)
        self.assertEqual(sent["packets"], heard["received"]["packets"])
        self.assertEqual(0, heard["heard"]["concealed_frames"])
        self.assertEqual(1, heard["heard"]["talkspurts"])

    def test_reports_travel_on_the_next_port_or_not_at_all(self):
        for rtcp, reports in (("next_port", True), ("off", False)):
            near, far = free_ports(2)
            common = ["--codec", "pcmu", "--srtp", "none", "--rtcp", rtcp, "--for", "4s"]
            listener = self.bench.start(far, near, *common, "--listen-only")
            talker = self.bench.start(near, far, *common, "--talk", self.guard)
            heard = result(listener)
            self.assertEqual(reports, heard["received"]["reports"] > 0, rtcp)
            self.assertGreater(heard["received"]["packets"], 50)
            result(talker)

    def test_sigterm_ends_it_with_a_report_a_bye_and_a_whole_file(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            near, far = free_ports(2)
            wav = self.bench.path("ended.wav")
            options = ["--codec", "pcmu", "--srtp", "none"]
            listener = self.bench.start(far, near, *options, "--for", "5s")
            radio = self.bench.start(near, far, *options, "--write", wav)
            time.sleep(1)
            radio.send_signal(number)
            self.assertAlmostEqual(1000, result(radio)["ran_ms"], delta=500)
            self.assertGreater(os.path.getsize(wav), 8000)
            self.assertEqual(1, result(listener)["received"]["byes"])

    def refusal(self, code, *options):
        """The one line that the program says before it gives up."""
        run = subprocess.run([RADIO, *map(str, options)], capture_output=True, text=True, check=False, timeout=20)
        self.assertEqual(code, run.returncode, run.stderr)
        self.assertEqual("", run.stdout)
        self.assertEqual(1, run.stderr.count("\n"), run.stderr)
        return run.stderr

    def test_wrong_usage_is_2_and_says_what_is_wrong(self):
        there = ["--remote", "127.0.0.1:9"]
        plain = [*there, "--srtp", "none"]
        for option, *command in (("--remote", ), ("--remote", "--remote", "somewhere"), ("--local", *plain, "--local", "[::1]:0"),
                                 ("--codec", *plain, "--codec", "opuss"), ("--ptime", *plain, "--ptime", "20"),
                                 ("--ptime", *plain, "--ptime", "7ms"), ("--srtp", *there, "--srtp", "AES"),
                                 ("--send-key", *there), ("--srtp none", *plain, "--send-key", "inline:AAAA"),
                                 ("--ptt", *plain, "--ptt", "space"), ("--payload-type", *plain, "--payload-type", "72"),
                                 ("--listen-only", *plain, "--listen-only", "--talk", "x.wav"), ("--rate", *plain, "--rate", "44100"),
                                 ("--for", *plain, "--for", "1e3"), ("--nonsense", *plain, "--nonsense")):
            self.assertIn(option, self.refusal(2, *command))

    def test_what_cannot_be_had_is_1_and_says_what_would_help(self):
        plain = ["--remote", "127.0.0.1:9", "--srtp", "none"]
        self.assertIn("nowhere.wav", self.refusal(1, *plain, "--talk", self.bench.path("nowhere.wav")))
        self.assertIn("directory", self.refusal(1, *plain, "--write", self.bench.path("no/such.wav")))
        self.assertIn("192.0.2.1", self.refusal(1, *plain, "--local", "192.0.2.1:5000"))
        secret = ["--remote", "127.0.0.1:9", "--receive-key", self.bench.key("AEAD_AES_256_GCM"), "--send-key"]
        self.assertIn("--send-key", self.refusal(1, *secret, self.bench.key("AEAD_AES_256_GCM", 0o644)))
        self.assertIn("--send-key", self.refusal(1, *secret, self.bench.key("AEAD_AES_128_GCM")))
        self.assertIn("--send-key", self.refusal(1, *secret, "inline:not base64"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
