#!/usr/bin/env python3
"""Configurations that a tired technician, or somebody worse, may put before the daemon: bad-input.md 71 to 84."""
import os
import re
import resource
import shutil
import subprocess
import tempfile
import unittest

from gateway import PROGRAMS, main

GOOD, USAGE, REFUSED = 0, 2, 78
WHOLE = """\
gateway:
  id: test-gw
  data_dir: ./var
  media: {listen: 127.0.0.1:0, workers: auto}
  api: {listen: 127.0.0.1:0}
agencies:
  - {id: northgate, name: Northgate Security, kind: private_security, key: gateway}
  - {id: metro-pd, name: Metro Police, kind: police, key: gateway}
channels:
  - id: ng-ops
    name: Northgate Operations
    agency: northgate
    outbound:
      - {id: out, action: allow, when: {agency: metro-pd}}
    inbound:
      - {id: in, action: allow}
    endpoints:
      - id: guard
        type: rtp
        remote: 127.0.0.1:50010
        listen: 127.0.0.1:40010
        codec: {name: opus, rate: 16000, bitrate: 24000}
        srtp: {suite: AEAD_AES_256_GCM, receive: {file: guard.receive}, send: {file: guard.send}}
  - id: pd-tac
    name: Metro Tactical
    agency: metro-pd
    outbound:
      - {id: out, action: allow}
    inbound:
      - {id: in, action: allow}
    endpoints:
      - id: officer
        type: rtp
        remote: 127.0.0.1:50020
        listen: 127.0.0.1:40020
        codec: pcmu
        srtp: {suite: AES_CM_128_HMAC_SHA1_80, receive: {file: officer.receive}, send: {file: officer.send}}
bridges:
  - id: joint
    channels: [ng-ops, pd-tac]
    opens: on_request
    standing_consent: [northgate]
"""


class Configuration(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.mkdtemp(prefix="crosspatch-")
        cls.addClassCleanup(shutil.rmtree, cls.home)
        os.chmod(cls.home, 0o700)
        for name, octets in (("guard", 44), ("officer", 30)):
            for way in ("receive", "send"):
                cls.make_key(f"{name}.{way}", octets)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.home, name)

    @classmethod
    def make_key(cls, name, octets):
        with open("/dev/urandom", "rb") as random, open(cls.path(name), "wb") as file:
            text = subprocess.run(["base64", "-w0"], input=random.read(octets), capture_output=True, check=True).stdout
            file.write(text + b"\n")
        os.chmod(cls.path(name), 0o600)

    def check(self, text, expected, name="gateway.yaml", mode=0o600):
        """What --check says about this text; the exit code is as expected, or with None a good or a bad one but no crash."""
        path = self.path(name)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, mode)
        return self.check_file(path, expected)

    def check_file(self, path, expected):
        run = subprocess.run([PROGRAMS["crosspatchd"], "--config", path, "--check"], capture_output=True, check=False, timeout=120)
        said = run.stderr.decode(errors="replace")
        self.assertIn(run.returncode, (GOOD, REFUSED) if expected is None else (expected,), f"{said[:2000]}{run.stdout[:200]}")
        self.assertNotIn("Sanitizer", said)
        if run.returncode == REFUSED:
            for line in said.splitlines():
                self.assertRegex(line, rf"^{re.escape(path)}(:\d+:\d+)?: .{{5,}}", "FILE:LINE:COLUMN: path: text")
                self.assertLess(len(line), 1000)
        return said

    def refused(self, text, *wanted, **options):
        said = self.check(text, REFUSED, **options)
        for part in wanted:
            self.assertIn(part, said)
        return said

    def replaced(self, old, new, count=1):
        self.assertIn(old, WHOLE)
        return WHOLE.replace(old, new, count)

    def at(self, text):
        """LINE:COLUMN of a text in the whole configuration."""
        before = WHOLE[:WHOLE.index(text)]
        return f":{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}: "

    def test_a_good_file_is_0_and_wrong_usage_is_2(self):
        self.assertNotIn("error", self.check(WHOLE, GOOD))
        for options in ([], ["--config"], ["--config", "x", "--nonsense"], ["--check"]):
            run = subprocess.run([PROGRAMS["crosspatchd"], *options], capture_output=True, check=False, timeout=20)
            self.assertEqual(USAGE, run.returncode, options)
        self.check_file(self.path("nowhere.yaml"), REFUSED)
        # Without --check a bad file ends the daemon just so.
        with open(self.path("bad.yaml"), "w", encoding="ascii") as file:
            file.write(WHOLE + "surplus: 1\n")
        os.chmod(self.path("bad.yaml"), 0o600)
        run = subprocess.run([PROGRAMS["crosspatchd"], "--config", self.path("bad.yaml")], capture_output=True, check=False, timeout=20)
        self.assertEqual(REFUSED, run.returncode)
        self.assertFalse(os.path.exists(self.path("var")), "and leaves nothing behind")

    def test_all_problems_are_told_in_one_run_each_with_its_place(self):
        text = self.replaced("codec: pcmu", "codec: pcmuu").replace("kind: police", "kind: polize")
        text = text.replace("AEAD_AES_256_GCM", "AEAD_AES_256_GCN").replace("opens: on_request", "open: on_request")
        text = text.replace("agency: metro-pd}}", "agency: metro-ps}}")
        said = self.refused(text, "did you mean 'pcmu'?", "did you mean 'police'?", "did you mean 'AEAD_AES_256_GCM'?",
                            "did you mean 'opens'?", "metro-ps", self.at("pcmu\n") + "channels[1].endpoints[0].codec: ")
        self.assertGreaterEqual(said.count("\n"), 5)
        lines = [int(line.split(":")[1]) for line in said.splitlines()]
        self.assertEqual(sorted(lines), lines, "in the order of the file")

    def test_aliases_anchors_and_what_they_can_be_made_to_do_are_refused_at_once(self):  # 71, 72, 80
        bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
        for level, (name, before) in enumerate(zip("bcdefghij", "abcdefghi")):
            bomb += f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
        merge = "a: &a {x: 1}\n" + "".join(f"k{n}: {{<<: *a}}\n" for n in range(1000))
        for text in (bomb, WHOLE + bomb, merge, WHOLE + merge, "a: &a [*a]\n", self.replaced("id: joint", "id: &x joint"),
                     self.replaced("id: joint", "id: *x")):
            self.refused(text)

    def test_an_alias_bomb_costs_less_than_a_second(self):  # 71
        text = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.refused(text)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertLess(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1)

    def test_depth_size_and_long_lines_have_an_end(self):  # 73, 80
        self.refused("a: " + "[" * 10000 + "]" * 10000 + "\n")
        self.refused("".join(" " * n + "a:\n" for n in range(2000)))
        self.refused(WHOLE + "# " + "x" * 70000 + "\n")
        self.refused(WHOLE + ("# " + "x" * 60000 + "\n") * 300)
        self.refused(WHOLE + "surplus:\n" + "".join(f"  k{n}: 1\n" for n in range(1100000)))

    def test_a_key_that_stands_twice_or_that_nobody_knows_is_refused(self):  # 74, 75, 82
        self.refused(self.replaced("action: allow}\n", "action: deny, action: allow}\n"), "action")
        self.refused(self.replaced("    agency: metro-pd\n", "    agency: metro-pd\n    agency: northgate\n"), "agency", ":27:")
        self.refused(WHOLE + "bridge: []\n", "bridge", "did you mean 'bridges'?")
        self.refused(self.replaced("codec: pcmu", "codek: pcmu"), "did you mean 'codec'?")
        for key in ("no", "on", "yes", "~", "1.0"):
            self.refused(self.replaced("opens: on_request", f"{key}: on_request"), f"{key}")

    def test_ports_are_numbers_from_1_to_65535_and_nothing_cleverer(self):  # 76
        for port in ("-1", "0", "65536", "4294967300", "0x138C", "5e3", "011614", "83:24", "yes", ".nan", "", " 50010", "50010 "):
            said = self.refused(self.replaced("127.0.0.1:50010", f"'127.0.0.1:{port}'"), "remote")
            self.assertIn("channels[0].endpoints[0].remote", said, port)
        self.refused(self.replaced("codec: pcmu", "codec: pcmu\n        ptime: 20"), "ptime")  # a duration has its unit

    def test_a_bridge_to_itself_and_to_nowhere_is_refused(self):  # 77
        self.refused(self.replaced("[ng-ops, pd-tac]", "[ng-ops, ng-ops]"), "ng-ops")
        self.refused(self.replaced("[ng-ops, pd-tac]", "[ng-ops]"), "channels")
        self.refused(self.replaced("[ng-ops, pd-tac]", "[ng-ops, pd-tak]"), "pd-tak")
        self.refused(self.replaced("opens: on_request", "opens: always\n    expires: 8h"), "expires")
        self.refused(self.replaced("127.0.0.1:50010", "127.0.0.1:40010"), "remote")
        self.refused(self.replaced("127.0.0.1:40020", "127.0.0.1:40010"), "listen")

    def test_tags_and_octets_that_are_no_text_are_refused(self):  # 78, 79
        for value in ("!!python/object:os.system x", "!include secrets.yaml", "!!binary aGk=", "!!int 5"):
            self.refused(self.replaced("name: Metro Tactical", f"name: {value}"))
        whole = WHOLE.encode()
        self.refused(whole.replace(b"Metro Tactical", b"Metro\0Tactical"))
        self.refused(whole.replace(b"Metro Tactical", b"Metro \xff\xfe"))
        self.refused(whole.replace(b"Metro Tactical", b"Metro \xed\xa0\x80"))
        self.refused(whole.replace(b"Metro Tactical", b"Metro \xc0\xaf"))
        self.refused(whole.replace(b"    name: Metro", b"\tname: Metro"))
        self.refused(WHOLE.encode("utf-16"))
        self.refused(WHOLE.encode("utf-16-le"))
        self.refused(b"\0" * 1000)
        self.refused(b"")

    def test_names_that_look_alike_are_refused(self):  # 81
        for name in ("METRO POLICE", "metro police", "Metro P\u043elice", "Metr\u03bf Police"):  # a Cyrillic and a Greek o
            self.refused(self.replaced("Northgate Security", f"'{name}'"), "agencies[1].name")
        self.refused(self.replaced("Metro Tactical", "\"Metro \\u202eTactical\""))

    def test_a_file_that_others_could_have_written_is_refused(self):  # 83
        self.check(WHOLE, GOOD)
        self.refused(WHOLE, "gateway.yaml", mode=0o602)
        self.refused(WHOLE, "gateway.yaml", mode=0o666)
        self.check(WHOLE, GOOD, mode=0o644)
        os.symlink(self.path("gateway.yaml"), self.path("link.yaml"))
        self.check_file(self.path("link.yaml"), REFUSED)
        self.check_file(self.home, REFUSED)
        os.mkfifo(self.path("pipe.yaml"), 0o600)
        self.check_file(self.path("pipe.yaml"), REFUSED)

    def test_keys_that_others_can_read_or_that_are_no_keys_are_refused(self):
        def with_key(name, octets, mode):
            self.make_key(name, octets)
            os.chmod(self.path(name), mode)
            return self.replaced("guard.send", name)
        for mode in (0o644, 0o640, 0o620, 0o660):
            self.refused(with_key("loose", 44, mode), "loose", "srtp")
        self.check(with_key("read-only", 44, 0o400), GOOD)
        self.refused(with_key("short", 30, 0o600), "srtp")
        self.refused(self.replaced("guard.send", "nowhere"), "nowhere")
        self.refused(self.replaced("guard.send", "guard.receive"), "key")
        zero = self.path("zero")
        with open(zero, "w", encoding="ascii") as file:
            file.write("A" * 58 + "A=\n")
        os.chmod(zero, 0o600)
        self.refused(self.replaced("guard.send", "zero"))
        with open(zero, "w", encoding="ascii") as file:
            file.write("this is not base64 at all, and has a secret in it\n")
        self.assertNotIn("secret in it", self.refused(self.replaced("guard.send", "zero")))
        inline = subprocess.run(["base64", "-w0"], input=os.urandom(44), capture_output=True, check=True).stdout.decode()
        text = self.replaced("{file: guard.send}", f"'{inline}'")
        self.check(text, GOOD, mode=0o600)
        said = self.refused(text, mode=0o644)
        self.assertNotIn(inline, said)

    def test_a_file_that_was_cut_off_is_refused_unless_it_is_whole_without_the_rest(self):  # 84
        """Where a list ends after a complete item the file is a good one; anywhere else it says what is missing."""
        ends = ("agency: northgate\n", "agency: metro-pd\n", "bound:\n", "}}\n", "{id: in, action: allow}\n",
                "{id: out, action: allow}\n", "endpoints:\n", "send}}\n", "bridges:\n", "pd-tac]\n", "on_request\n", "northgate]\n")
        lines = WHOLE.splitlines(keepends=True)
        channels = lines.index("channels:\n")
        for count in range(len(lines)):
            text = "".join(lines[:count])
            self.check(text, None if count > channels and text.endswith(ends) else REFUSED)
        for cut in range(0, WHOLE.index("bridges:") - 3, 67):  # and in mid-line
            self.check(WHOLE[:cut], None)


if __name__ == "__main__":
    main()
