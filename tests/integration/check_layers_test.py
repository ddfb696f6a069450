#!/usr/bin/env python3
"""tools/check-layers on small trees that break one rule each; argument: the checkout."""
import os
import subprocess
import sys
import tempfile
import unittest

TOOL = os.path.join(sys.argv.pop(1), "tools", "check-layers")


class CheckLayers(unittest.TestCase):
    def complaints(self, files):
        """What the tool prints on a tree of {path: text}; it must exit 1 exactly when it prints something."""
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            run = subprocess.run([TOOL, root], capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 1 if run.stdout else 0, run.stdout + run.stderr)
        return run.stdout

    def test_rows_below_are_fine(self):
        self.assertEqual("", self.complaints({
            "include/crosspatch/core/time.hpp": "#pragma once\n",
            "include/crosspatch/rtp/packet.hpp": '#pragma once\n#include "crosspatch/core/time.hpp"\n',
            "src/rtp/packet.cpp": '#include "crosspatch/rtp/packet.hpp"\n\n#include <vector>\n',
            "src/app/main.cpp": '#include "crosspatch/rtp/packet.hpp"\n',
        }))

    def test_a_neighbour_is_named_with_its_line(self):
        self.assertIn("src/floor/arbiter.cpp:2: #include of crosspatch/policy/rule.hpp: 'floor' and 'policy'",
                      self.complaints({"src/floor/arbiter.cpp": '#include <span>\n#include "crosspatch/policy/rule.hpp"\n'}))

    def test_a_row_above_is_refused_even_as_a_comment_would_hide_it(self):
        self.assertIn("include/crosspatch/codec/opus.hpp:2: ", self.complaints({
            "include/crosspatch/codec/opus.hpp": '#pragma once\n  #  include <crosspatch/media/worker.hpp> // why not\n'}))

    def test_a_private_header_stays_at_home(self):
        tree = {"src/rtp/window.hpp": "#pragma once\n"}
        self.assertEqual("", self.complaints({**tree, "src/rtp/open.cpp": '#include "window.hpp"\n'}))
        self.assertEqual("", self.complaints({**tree, "src/rtp/open.cpp": '#include "src/rtp/window.hpp"\n'}))
        self.assertEqual("", self.complaints({**tree, "tests/rtp/open_test.cpp": '#include "src/rtp/window.hpp"\n'}))
        for path in ("src/media/worker.cpp", "include/crosspatch/rtp/open.hpp", "tools/radio/main.cpp"):
            text = "#pragma once\n" if path.endswith(".hpp") else ""
            self.assertIn("private", self.complaints({**tree, path: text + '#include "src/rtp/window.hpp"\n'}), path)
        self.assertIn("private", self.complaints({**tree, "src/media/worker.cpp": '#include "../rtp/window.hpp"\n'}))

    def test_the_own_header_comes_first(self):
        tree = {"include/crosspatch/endpoint/usrp/frame.hpp": "#pragma once\n"}
        own = '#include "crosspatch/endpoint/usrp/frame.hpp"\n'
        self.assertEqual("", self.complaints({**tree, "src/endpoint/usrp/frame.cpp": own + "#include <span>\n"}))
        self.assertIn("frame.cpp:1: ", self.complaints({**tree, "src/endpoint/usrp/frame.cpp": "#include <span>\n" + own}))
        self.assertIn("frame.cpp:1: ", self.complaints({**tree, "src/endpoint/usrp/frame.cpp": "int x;\n"}))

    def test_headers_files_and_modules(self):
        self.assertIn("pragma", self.complaints({"src/core/a.hpp": "#include <span>\n#pragma once\n"}))
        self.assertEqual("", self.complaints({"src/core/a.cpp": "\n" * 600}))
        self.assertIn("src/core/a.cpp:601: ", self.complaints({"src/core/a.cpp": "\n" * 601}))
        self.assertIn("no row", self.complaints({"src/misc/a.cpp": "\n"}))
        self.assertIn("tests/", self.complaints({"tests/support/fake.hpp": "#pragma once\n",
                                                 "src/core/a.cpp": '#include "tests/support/fake.hpp"\n'}))


if __name__ == "__main__":
    unittest.main()
