#!/usr/bin/env python3
"""Policy asked from files: tables of cases against the daemon and without one, two configurations held against each other,
and who hears whom. What is checked of the words is that they name the right rules; the rest is the unit tests' matter."""
import os
import subprocess

from gateway import GCM256, PLAIN, PROGRAMS, GatewayTest, bridge, channel, endpoint, main

TABLE = """\
- {from: gate-1, to: pd-tac-3, at: '2026-12-24T23:30:00-06:00', expect: deny, rule: night-hours, key: outbound}
- {from: gate-1, to: pd-tac-3, at: '2026-12-24T23:30:00-06:00', emergency: true, expect: allow, rule: sos}
- {from: gate-1, to: pd-tac-3, at: '2026-12-24T12:00:00-06:00', expect: allow, rule: from-guards, key: inbound}
- {from: gate-1, to: pd-tac-3, at: '2026-12-24T12:00:00-06:00', kind: picture, expect: deny, no_rule: true}
- {from: gate-1, to: pd-tac-3, at: '2026-12-24T12:00:00-06:00', listener: none, expect: deny, rule: from-guards}
- {from: gate-1, to: pd-tac-3, at: '2026-12-24T12:00:00-06:00', suite: none, expect: deny, rule: joint, key: outbound}
- {from: pd-tac-3, to: ng-ops, role: officer, expect: allow}
"""


class PolicyFiles(GatewayTest):
    def town(self):
        """Guards who are heard by the police by day, and at night in an emergency."""
        outbound = [{"id": "sos", "action": "allow", "when": {"emergency": True}},
                    {"id": "night-hours", "action": "deny",
                     "when": {"role": "guard", "hours": "Mon-Sun 22:00-06:00 America/Chicago"}},
                    {"id": "joint", "action": "allow", "when": {"agency": "metro-pd", "kind": "voice"}}]
        return self.gateway(
            channel("ng-ops", "northgate", endpoint("gate-1"), outbound=outbound),
            channel("pd-tac-3", "metro-pd", endpoint("tac-3"), endpoint("tac-old", suite=PLAIN, direction="listen"),
                    inbound=[{"id": "from-guards", "action": "allow", "when": {"agency": "@partners"}}]),
            bridges=[bridge("joint", "ng-ops", "pd-tac-3")], groups={"partners": {"agencies": ["northgate"]}})

    def file(self, gateway, name, text):
        path = gateway.path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o600)
        return path

    def run_tool(self, *arguments, program="crosspatchctl"):
        done = subprocess.run([PROGRAMS[program], *arguments], capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()

    def both(self, gateway, table):
        """What the table says of the running daemon; without one it says the same."""
        running = self.run_tool("--data-dir", gateway.data, "policy", "test", table)
        offline = self.run_tool("policy", "test", table, "--config", gateway.file)
        self.assertEqual(running, offline)
        return running

    def test_a_table_is_decided_alike_by_the_daemon_and_without_it(self):
        gateway = self.town()
        good = self.file(gateway, "table.yaml", TABLE)
        code, out, _ = self.both(gateway, good)
        self.assertEqual((0, [f"{good}: 7 cases, all decided as expected"]), (code, out))
        wrong = self.file(gateway, "wrong.yaml", TABLE.replace("rule: sos", "rule: joint").replace("no_rule: true", "rule: joint"))
        code, out, _ = self.both(gateway, wrong)
        self.assertEqual(1, code)
        self.assertEqual([f"{wrong}:2:3: gate-1 to pd-tac-3: expected allow by rule 'joint', but it is allowed; outbound: rule "
                          "'sos' allows; inbound: rule 'from-guards' allows",
                          f"{wrong}:4:3: gate-1 to pd-tac-3: expected deny by rule 'joint', but it is denied; outbound: no rule "
                          "matches, the default denies; inbound: rule 'from-guards' allows",
                          f"{wrong}: 2 of 7 cases are not decided as expected"], out)

    def test_a_table_that_is_no_good_is_refused_with_all_its_mistakes(self):
        gateway = self.town()
        bad = self.file(gateway, "bad.yaml", "- {from: gate-1, to: pd-tac-3, expect: alow}\n- {frm: gate-1, to: pd-tac-3, expect: deny}\n")
        code, out, err = self.both(gateway, bad)
        self.assertEqual((78, []), (code, out))
        self.assertEqual(3, len(err), err)
        self.assertTrue(err[0].startswith(f"{bad}:1:40: [0].expect: 'alow' is not a decision; did you mean 'allow'?"), err)
        self.assertEqual(78, self.run_tool("policy", "test", gateway.path("none"), "--config", gateway.file)[0])
        self.assertEqual(78, self.run_tool("policy", "test", bad, "--config", bad)[0])
        self.assertEqual(69, self.run_tool("--data-dir", gateway.path("none"), "policy", "test",
                                           self.file(gateway, "table.yaml", TABLE))[0])
        missing = self.file(gateway, "missing.yaml", "- {from: gate-2, to: pd-tac-3, expect: deny}\n")
        for where in (("--data-dir", gateway.data), ()):
            more = () if where else ("--config", gateway.file)
            code, out, _ = self.run_tool(*where, "policy", "test", missing, *more)
            self.assertEqual(1, code)
            self.assertIn(f"{missing}:1:3: 'gate-2' is ", out[0])

    def test_what_a_new_file_changes_is_said_before_it_is_in_force(self):
        gateway = self.town()
        with open(gateway.file, encoding="utf-8") as file:
            text = file.read()
        new = self.file(gateway, "new.yaml", text.replace('"guard"', '["guard", "officer"]'))
        code, out, err = self.run_tool("policy", "diff", gateway.file, new)
        self.assertEqual((0, []), (code, err))
        self.assertEqual(["officers of ng-ops are no longer heard on pd-tac-3: voice, not in an emergency, listeners with "
                          f"{GCM256}, every day 22:00-06:00 America/Chicago (rule night-hours, outbound of ng-ops)"], out)
        self.assertEqual((0, ["nothing is decided otherwise"], []), self.run_tool("policy", "diff", new, new))
        self.assertEqual(78, self.run_tool("policy", "diff", new, gateway.path("none"))[0])
        # Elsewhere, without its keys: only rules are read.
        os.rename(gateway.file, gateway.path("var.yaml"))
        os.rename(new, gateway.file)
        self.assertEqual(0, self.run_tool("policy", "diff", gateway.path("var.yaml"), gateway.file)[0])

    def test_a_check_explains_who_hears_whom(self):
        gateway = self.town()
        code, out, _ = self.run_tool("--config", gateway.file, "--check", "--explain", program="crosspatchd")
        self.assertEqual(0, code)
        self.assertEqual("bridge joint: who talks in a row is heard in a column", out[1])
        told = " ".join(" ".join(out).split())  # lines are broken
        for words in ("[outbound: rule night-hours; inbound: rule from-guards]", "every day 22:00-06:00 America/Chicago",
                      "ng-ops to pd-tac-3", "pd-tac-3 to ng-ops", "in an emergency"):
            self.assertIn(words, told)
        self.assertLessEqual(max(len(line) for line in out[1:]), 100)
        self.assertEqual(2, self.run_tool("--config", gateway.file, "--explain", program="crosspatchd")[0])


if __name__ == "__main__":
    main()
