#!/usr/bin/env python3
"""Somebody with the rights of root changes what is on record; both verifiers name the record."""
import sqlite3

from gateway import CM80, GatewayTest, bridge, channel, ended, endpoint, main


class Tamper(GatewayTest):
    def test_one_changed_octet_is_found_and_its_record_is_named(self):
        gateway = self.gateway(channel("ng-ops", "northgate", endpoint("guard")),
                               channel("pd-tac", "metro-pd", endpoint("officer", "pcmu", CM80)),
                               bridges=[bridge("joint", "ng-ops", "pd-tac")])
        words = gateway.bench.speech("guard", "Unit seven, fight at the north gate.")
        listener = gateway.radio("officer", "--for", "4s")
        ended(gateway.radio("guard", "--talk", words, "--for", "4s"))
        ended(listener)
        gateway.recorded("talkspurt.ended")
        self.assertEqual(0, gateway.ctl("log", "verify", check=False).returncode)
        self.assertEqual(0, gateway.verify()[0])

        # The one who talked is made another, in the middle of the log and with the length as it was.
        [granted] = gateway.records("floor.granted")
        self.change(gateway, granted["seq"])
        self.check_named(gateway, granted["seq"], "the daemon", *self.ask_daemon(gateway))
        self.check_named(gateway, granted["seq"], "crosspatch-verify", *gateway.verify())
        gateway.recorded("audit.failed")
        self.assertEqual(0, gateway.stop()[0])
        self.check_named(gateway, granted["seq"], "crosspatch-verify, offline", *gateway.verify())

    @staticmethod
    def ask_daemon(gateway):
        run = gateway.ctl("log", "verify", check=False)
        return run.returncode, run.stdout + run.stderr

    def change(self, gateway, seq):
        database = sqlite3.connect(gateway.data + "/log.db", timeout=20)
        body, = database.execute("SELECT body FROM record WHERE seq=?", (seq,)).fetchone()
        changed = body.replace("guard", "guarb", 1) if isinstance(body, str) else body.replace(b"guard", b"guarb", 1)
        self.assertNotEqual(body, changed)
        self.assertEqual(len(body), len(changed))
        database.execute("UPDATE record SET body=? WHERE seq=?", (changed, seq))
        database.commit()
        database.close()

    def check_named(self, gateway, seq, who, code, text):
        self.assertEqual(1, code, f"{who}: {text}")
        self.assertRegex(text, rf"record {seq}\b", who)
        self.assertNotIn(f"record {seq - 1}:", text)


if __name__ == "__main__":
    main()
