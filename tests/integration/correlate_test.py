#!/usr/bin/env python3
"""The listener of the other tests, on sounds whose likeness is known; argument: the program correlate."""
import subprocess
import sys
import tempfile
import unittest

from radios import Bench

CORRELATE = sys.argv.pop(1)


class Correlate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.bench = Bench(None, CORRELATE, cls.folder.name)
        cls.said = cls.bench.speech("said", "All units, the north gate is closed.", rate=16000)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def altered(self, *effects):
        """How alike the words and the words after sox are."""
        heard = self.bench.path("altered.wav")
        subprocess.run(["sox", "-D", "-R", self.said, heard, *effects], check=True, capture_output=True)
        return self.bench.alike(self.said, heard)

    def test_the_same_is_1_at_once(self):
        alike = self.bench.alike(self.said, self.said)
        self.assertGreater(alike["waveform"], 0.9999)
        self.assertGreater(alike["envelope"], 0.99)
        self.assertAlmostEqual(0, alike["waveform_lag_ms"], delta=0.2)

    def test_later_and_quieter_is_the_same_later(self):
        alike = self.altered("vol", "0.1", "pad", "0.75", "0.5")
        self.assertGreater(alike["waveform"], 0.99)
        self.assertAlmostEqual(750, alike["waveform_lag_ms"], delta=0.2)
        self.assertAlmostEqual(750, alike["envelope_lag_ms"], delta=5)

    def test_upside_down_only_sounds_the_same(self):
        alike = self.altered("vol", "-1")
        self.assertLess(alike["waveform"], 0.6)
        self.assertGreater(alike["envelope"], 0.99)

    def test_half_the_words_are_not_the_words(self):
        self.assertLess(self.altered("trim", "0", "1")["waveform"], 0.9)

    def test_backwards_other_words_and_silence_are_something_else(self):
        for alike in (self.altered("reverse"), self.altered("vol", "0"),
                      self.bench.alike(self.said, self.bench.speech("other", "Copy that. Over.", "en-gb"))):
            self.assertLess(alike["waveform"], 0.5)
            self.assertLess(alike["envelope"], 0.9)


if __name__ == "__main__":
    unittest.main(verbosity=2)
