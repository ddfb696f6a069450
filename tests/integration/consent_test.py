#!/usr/bin/env python3
"""Consent: who may give it and how, every way in which one is not good, what ends it, and what an auditor sees of it."""
import base64
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import time
import unittest

from consents import Key, Person, canonical, statement, time_text
from gateway import CM80, PLAIN, PROGRAMS, GatewayTest, bridge, channel, end, endpoint, main
from people import open_socket
from radios import Tap

PEOPLE = {"games": ("northgate", "dispatcher"), "daemon": ("metro-pd", "supervisor"), "nobody": ("northgate", "guard"),
          "bin": ("northgate", "auditor")}
LATE = 100  # ms from a revocation to the last foreign packet: architecture.md


@unittest.skipUnless(os.geteuid() == 0, "only root becomes somebody else")
class Consent(GatewayTest):
    def scene(self, start=True, police="own", **more):
        """Guards whose key the gateway keeps, and police who keep theirs; people of both on the control socket."""
        gateway = self.gateway(
            channel("ng-ops", "northgate", endpoint("guard")),
            channel("pd-tac", "metro-pd", endpoint("officer", "pcmu", CM80), endpoint("tap", "pcmu", PLAIN)),
            bridges=[bridge("joint", "ng-ops", "pd-tac", **{"opens": "on_request", "standing_consent": [],
                                                            "agreement": {"id": "MOU-7"}, **more})], start=False)
        self.police = Key(gateway.home, "metro-pd")
        if police == "own":
            gateway.config["agencies"][1]["key"] = self.police.public
        gateway.config["gateway"]["operators"] = [
            {"unix": name, "agency": agency, "role": role} for name, (agency, role) in PEOPLE.items()]
        gateway.write()
        if start:
            self.begin(gateway)
        return gateway

    def begin(self, gateway):
        if os.path.exists(gateway.data):
            os.chmod(gateway.data, 0o700)  # the daemon wants it so when it starts
        gateway.start()
        open_socket(gateway)

    def person(self, gateway, name):
        person = Person(gateway, name)
        self.addCleanup(person.close)
        return person

    def terms(self, gateway):
        return gateway.ask("bridge", "terms", "joint")

    def yes(self, gateway, **more):
        return self.police.sign(statement(self.terms(gateway), "metro-pd", **more))

    def yes_anew(self, gateway):
        """Signed after whatever was revoked before: times are whole seconds."""
        time.sleep(1.05)
        return self.yes(gateway, not_before=time_text(0))

    def hand_in(self, gateway, consent, name="root", bridge_id="joint"):
        person = self.person(gateway, name)
        try:
            return person.ask("POST", f"bridges/{bridge_id}/consents", consent)
        finally:
            person.close()  # the control socket takes 64

    def guards_consent(self, gateway, seconds=3600):
        status, body = self.person(gateway, "games").ask(
            "POST", "bridges/joint/consents", {"agency": "northgate", "expires": time_text(seconds)})
        self.assertEqual(200, status, body)
        return body

    def state(self, gateway):
        return gateway.item("bridges", "joint")["state"]

    def of(self, gateway, agency):
        return next(c for c in gateway.item("bridges", "joint")["consents"] if c["agency"] == agency)

    def both_consent(self, gateway):
        self.guards_consent(gateway)
        status, body = self.hand_in(gateway, self.yes(gateway))
        self.assertEqual(200, status, body)

    # The whole of it

    def test_with_an_agencys_own_key_the_gateway_alone_opens_nothing(self):
        gateway = self.scene()
        self.guards_consent(gateway)
        run = gateway.ctl("bridge", "open", "joint", check=False)
        self.assertEqual(77, run.returncode)
        self.assertIn("metro-pd", run.stderr)
        self.assertNotIn("northgate", run.stderr)
        [asked] = gateway.recorded("bridge.requested")
        self.assertEqual(("denied", ["metro-pd"]), (asked["outcome"], asked["detail"]["missing_consent"]))
        # Root may hand in what the police have signed, but say nothing for them.
        for body in ({"agency": "metro-pd", "expires": time_text(600)}, {"agency": "northgate", "expires": time_text(600)},
                     {"expires": time_text(600)}):
            self.assertEqual(403, self.hand_in(gateway, body)[0])
        self.assertEqual("missing", self.of(gateway, "metro-pd")["state"])

        # On the police's machine, with what somebody carried there.
        carried = gateway.path("terms.json")
        with open(carried, "w", encoding="utf-8") as file:
            file.write(gateway.ctl("--json", "bridge", "terms", "joint").stdout)
        signed = subprocess.run([PROGRAMS["crosspatchctl"], "consent", "sign", "--key", self.police.file, "--bridge", "joint",
                                 "--for", "2h", "--terms", carried], capture_output=True, text=True, check=True, timeout=20)
        self.assertIn('"action":"allow"', signed.stderr, "who signs sees the rules")
        with open(gateway.path("consent.json"), "w", encoding="utf-8") as file:
            file.write(signed.stdout)
        run = gateway.ctl("bridge", "consent", "joint", "--statement", gateway.path("consent.json"))
        self.assertIn("metro-pd consents to joint until", run.stdout)
        gateway.ctl("bridge", "open", "joint")

        tap = Tap(gateway.remotes["tap"])
        self.addCleanup(tap.stop)
        words = gateway.bench.speech("words", "Unit seven, fight at the north gate, two persons down.")
        talker = gateway.radio("guard", "--talk", words, "--repeat", "20", "--gap", "1ms")
        gateway.wait_for(lambda: len(tap.times) > 30, 10, "the guard to be heard by the police")
        police = self.person(gateway, "daemon")
        began = time.time_ns()
        status, body = police.ask("DELETE", "bridges/joint/consents", {"reason": "tactical operation"})
        self.assertEqual((200, True), (status, body["kept"]), body)
        time.sleep(1)
        self.assertLess((max(tap.stop().times) - began) / 1e6, LATE, "ms from the request to the last foreign packet")
        end(talker)
        self.assertEqual("closed", self.state(gateway))
        self.assertEqual("revoked", self.of(gateway, "metro-pd")["ended"])
        self.told_on_record(gateway, json.loads(signed.stdout))

    def told_on_record(self, gateway, consent):
        """Both agencies find in the log what concerns them, and an auditor finds it signed."""
        gateway.recorded("bridge.closed")
        for name in ("bin", "daemon"):
            status, body = self.person(gateway, name).ask("GET", "log/records?last=200")
            self.assertEqual(200, status, body)
            story = [r["type"] for r in body["items"] if r["type"].split(".")[0] in ("consent", "bridge") and r["outcome"] == "ok"]
            self.assertEqual(["consent.given", "consent.given", "bridge.requested", "bridge.opened", "consent.revoked", "bridge.closed"],
                             story)
        given = gateway.records("consent.given")[-1]
        self.assertEqual(consent, {key: given["detail"][key] for key in ("statement", "signature")})
        [revoked] = gateway.records("consent.revoked")
        self.assertEqual(("daemon", "metro-pd"), (revoked["actor"]["principal"], revoked["actor"]["agency"]))
        self.assertEqual([consent["statement"]["id"]], revoked["detail"]["consents"])
        code, text = gateway.verify("--pin-agency", f"metro-pd={self.police.public}")
        self.assertEqual(0, code, text)
        self.assertIn("2 consents on record", text)
        code, text = gateway.verify("--pin-agency", f"metro-pd={Key(gateway.home, 'other').public}")
        self.assertEqual(1, code)
        self.assertIn(f"record {given['seq']} its consent is not signed with the pinned key of agency 'metro-pd'", text)

    # Statements

    def test_the_terms_are_what_is_hashed_and_what_openssl_signs_is_taken(self):
        gateway = self.scene()
        terms = self.terms(gateway)
        self.assertEqual(terms["terms"], hashlib.sha256(canonical(terms["document"]).encode()).hexdigest())
        self.assertEqual(["channels", "directions", "inbound", "outbound", "preemption", "retention", "sensitivity"],
                         sorted(terms["document"]))
        self.assertEqual(gateway.ask("status")["log"], terms["gateway"])
        self.assertEqual({"metro-pd": self.police.public}, {a["id"]: a["key"] for a in terms["agencies"] if a["key_kept_by"] == "agency"})
        self.assertIn(terms["terms"], gateway.ctl("bridge", "terms", "joint").stdout)
        status, body = self.hand_in(gateway, self.yes(gateway))
        self.assertEqual(200, status, body)
        self.assertEqual(["northgate"], body["missing_consent"])
        one = self.of(gateway, "metro-pd")
        self.assertEqual(("given", "agency", self.police.public), (one["state"], one["key_kept_by"], one["key"]))
        self.assertIn("metro-pd given until", gateway.ctl("bridges").stdout)
        self.guards_consent(gateway)
        self.assertEqual("gateway", self.of(gateway, "northgate")["key_kept_by"])
        gateway.ctl("bridge", "open", "joint")
        self.assertEqual("open", self.state(gateway))
        self.assertNotIn("seed", json.dumps(gateway.records()))
        self.assertEqual(0o600, os.stat(gateway.path("var/keys/agency-northgate.key")).st_mode & 0o777)
        self.assertFalse(os.path.exists(gateway.path("var/keys/agency-metro-pd.key")))
        self.assertEqual({"northgate", "metro-pd"}, {r["object"]["id"] for r in gateway.records("key.added")})

    def bad(self, gateway):
        """Every way in which a consent is not good, with a word of the sentence that says so."""
        good = self.yes(gateway)
        said = good["statement"]
        forger, guard = Key(gateway.home, "forger"), self.terms(gateway)
        sign = lambda **more: self.police.sign({**statement(guard, "metro-pd"), **more})
        flipped = bytearray(base64.b64decode(good["signature"]))
        flipped[40] ^= 1
        yield "forged", forger.sign(said), "signature is not that of"
        yield "forged", {**good, "statement": {**said, "expires": time_text(7200)}}, "signature is not that of"
        yield "forged", {**good, "signature": base64.b64encode(flipped).decode()}, "signature is not that of"
        yield "forged", self.police.sign({**said, "agency": "northgate"}), "signature is not that of agency 'northgate'"
        yield "expired", sign(not_before=time_text(-7200), expires=time_text(-3600)), "expired at"
        yield "too_long", sign(expires=time_text(400 * 86400)), "366 days"
        yield "other_gateway", sign(gateway="0" * 32), "given to gateway"
        yield "other_bridge", sign(bridge="other"), "for bridge 'other'"
        yield "not_on_bridge", sign(agency="city-fd"), "no channel on bridge"
        yield "other_terms", sign(terms="0" * 64), "are not those that were signed"
        yield "other_agreement", sign(agreement="MOU-8"), "agreement 'MOU-8'"
        for broken in ({"statement": said}, {**good, "note": 1}, {**good, "signature": good["signature"][:40]},
                       {"statement": {k: v for k, v in said.items() if k != "terms"}, "signature": good["signature"]},
                       {"statement": canonical(said), "signature": good["signature"]}, sign(id="1234"), sign(v=2),
                       sign(expires="tomorrow"), sign(not_before=time_text(3600), expires=time_text(60))):
            yield "malformed", broken, "not a consent"

    def test_a_consent_that_is_not_good_changes_nothing_and_is_on_record(self):
        gateway = self.scene(standing_consent=["northgate"])
        count = 0
        for refusal, consent, sentence in self.bad(gateway):
            with self.subTest(refusal=refusal, sentence=sentence):
                status, body = self.hand_in(gateway, consent)
                self.assertEqual(422, status, body)
                self.assertIn(sentence, body["detail"])
                self.assertEqual(["metro-pd"], gateway.item("bridges", "joint")["missing_consent"])
                count += 1
                record = gateway.recorded("consent.given", count)[-1]
                self.assertEqual(("denied", refusal), (record["outcome"], record["detail"]["refusal"]))
        text = json.dumps(self.yes(gateway))
        for cut in (text[:-1], text[:100], text.replace('"v": 1', '"v": 1, "v": 1'), "[]"):
            person = self.person(gateway, "root")
            person.request("POST", "/api/v1/bridges/joint/consents", body=cut, headers={"Content-Type": "application/json"})
            self.assertEqual(400, person.getresponse().status, cut)
            person.close()
        self.assertEqual(77, gateway.ctl("bridge", "open", "joint", check=False).returncode)
        self.assertEqual(404, self.hand_in(gateway, self.yes(gateway), bridge_id="other")[0])
        code, text = gateway.verify()
        self.assertEqual(0, code, text)

    def test_an_id_is_taken_once_and_after_its_revocation_never_again_kill_or_not(self):
        gateway = self.scene(standing_consent=["northgate"])
        consent = self.yes(gateway)
        self.assertEqual(200, self.hand_in(gateway, consent)[0])
        status, body = self.hand_in(gateway, consent)
        self.assertEqual(422, status)
        self.assertIn("accepted before", body["detail"])
        gateway.ctl("bridge", "open", "joint")
        gateway.kill()
        self.begin(gateway)
        self.assertEqual("open", self.state(gateway), "a consent outlives a kill")
        self.assertEqual(422, self.hand_in(gateway, consent)[0])
        self.assertEqual(200, self.person(gateway, "daemon").ask("DELETE", "bridges/joint/consents")[0])
        gateway.kill()
        self.begin(gateway)
        self.assertEqual(("closed", ["metro-pd"]), (self.state(gateway), gateway.item("bridges", "joint")["missing_consent"]))
        status, body = self.hand_in(gateway, consent)
        self.assertEqual(422, status)
        self.assertIn("was revoked", body["detail"])
        self.assertEqual(200, self.hand_in(gateway, self.yes_anew(gateway))[0], "a new one is taken")
        self.assertEqual("closed", self.state(gateway), "and the bridge waits for somebody to open it")

    def test_a_statement_that_is_still_outside_is_not_taken_after_its_agency_revoked(self):
        gateway = self.scene(standing_consent=["northgate"])
        outside = self.yes(gateway)
        self.assertEqual(200, self.person(gateway, "daemon").ask("DELETE", "bridges/joint/consents")[0])
        before = gateway.changed(lambda config: None)
        refused = lambda: self.assertIn("sign again", self.hand_in(gateway, outside)[1]["detail"])
        refused()
        self.assertEqual("signed_before_revocation", gateway.recorded("consent.given")[-1]["detail"]["refusal"])
        # Over a kill, and over a time without the bridge.
        gateway.kill()
        self.begin(gateway)
        refused()
        gateway.write_text(gateway.changed(lambda config: config.update(bridges=[])))
        gateway.ctl("reload")
        gateway.write_text(before)
        gateway.ctl("reload")
        refused()
        self.assertEqual(200, self.hand_in(gateway, self.yes_anew(gateway))[0])
        code, text = gateway.verify()
        self.assertEqual(0, code, text)

    def test_a_consent_for_later_counts_when_its_time_has_come(self):
        gateway = self.scene(standing_consent=["northgate"], opens="always")
        self.assertEqual("closed", self.state(gateway), "always, but not before the police have said yes")
        status, body = self.hand_in(gateway, self.yes(gateway, not_before=time_text(4), expires=time_text(9)))
        self.assertEqual((200, "later"), (status, body["state"]), body)
        self.assertEqual("closed", self.state(gateway))
        gateway.wait_for(lambda: self.state(gateway) == "open", 8, "the consent to begin")
        gateway.wait_for(lambda: self.state(gateway) == "closed", 8, "the consent to end")
        self.assertEqual("consent", gateway.recorded("bridge.closed")[-1]["detail"]["by"])
        [ended] = gateway.recorded("consent.expired")
        self.assertEqual(("metro-pd", "time"), (ended["detail"]["agency"], ended["detail"]["because"]))
        self.assertEqual("time", self.of(gateway, "metro-pd")["ended"])

    def test_a_reminder_comes_before_a_consent_ends(self):
        gateway = self.scene(standing_consent=["northgate"])
        alarm = "consent.expiring.joint.metro-pd"
        alarms = lambda: [a["name"] for a in gateway.ask("status")["alarms"]]
        self.assertEqual(200, self.hand_in(gateway, self.yes(gateway, expires=time_text(21)))[0])
        self.assertNotIn(alarm, alarms())
        gateway.wait_for(lambda: alarm in alarms(), 22, "the reminder")
        self.assertEqual("given", self.of(gateway, "metro-pd")["state"], "it comes before the end")
        self.assertIn(alarm, [a["name"] for a in self.person(gateway, "daemon").ask("GET", "status")[1]["alarms"]])
        self.assertEqual(200, self.hand_in(gateway, self.yes(gateway))[0])
        gateway.wait_for(lambda: alarm not in alarms(), 3, "the reminder to be over once there is a longer one")

    # What ends it

    def test_other_terms_end_a_consent_and_a_file_laid_out_otherwise_does_not(self):
        gateway = self.scene()
        self.both_consent(gateway)
        gateway.ctl("bridge", "open", "joint")
        gateway.write_text("# the same\n" + json.dumps(gateway.config, indent=3, sort_keys=True))
        gateway.ctl("reload")
        self.assertEqual("open", self.state(gateway))
        before = gateway.changed(lambda config: None)
        gateway.write_text(gateway.changed(lambda config: config["channels"][1].update(sensitivity="GREEN")))
        gateway.ctl("reload")
        self.assertEqual("closed", self.state(gateway))
        for agency in ("metro-pd", "northgate"):
            self.assertEqual(("missing", "terms"), (self.of(gateway, agency)["state"], self.of(gateway, agency)["ended"]))
        self.assertEqual({"terms"}, {r["detail"]["because"] for r in gateway.recorded("consent.expired", 2)})
        self.assertIn("has to consent again", gateway.said())
        gateway.write_text(before)
        gateway.ctl("reload")
        self.assertEqual(["metro-pd", "northgate"], gateway.item("bridges", "joint")["missing_consent"], "gone is gone")
        self.assertEqual(77, gateway.ctl("bridge", "open", "joint", check=False).returncode)

    def test_another_key_ends_a_consent_that_the_old_one_signed(self):
        gateway = self.scene(standing_consent=["northgate"])
        old = self.yes(gateway)
        self.assertEqual(200, self.hand_in(gateway, old)[0])
        gateway.ctl("bridge", "open", "joint")
        self.police = Key(gateway.home, "metro-pd-2")
        gateway.write_text(gateway.changed(lambda config: config["agencies"][1].update(key=self.police.public)))
        gateway.ctl("reload")
        self.assertEqual(("closed", "key"), (self.state(gateway), self.of(gateway, "metro-pd")["ended"]))
        self.assertEqual(200, self.hand_in(gateway, self.yes(gateway))[0])
        self.assertEqual(3, len(gateway.recorded("key.added", 3)))
        code, text = gateway.verify()
        self.assertEqual(0, code, text)

    def test_a_standing_consent_that_its_agency_takes_back_does_not_count(self):
        gateway = self.scene(police="gateway", opens="always", standing_consent=["northgate", "metro-pd"])
        self.assertEqual("open", self.state(gateway))
        self.assertEqual(0, gateway.ctl("reload").returncode)
        self.assertEqual(200, self.person(gateway, "games").ask("DELETE", "bridges/joint/consents")[0])
        self.assertEqual("closed", self.state(gateway))
        [revoked] = gateway.recorded("consent.revoked")
        self.assertTrue(revoked["detail"]["standing"])
        gateway.ctl("reload")
        gateway.kill()
        self.begin(gateway)
        self.assertEqual(("closed", ["northgate"]), (self.state(gateway), gateway.item("bridges", "joint")["missing_consent"]))
        self.guards_consent(gateway)
        gateway.wait_for(lambda: self.state(gateway) == "open", 3, "the bridge that is always open")
        self.assertIn("whoever runs it decides alone", gateway.said(), "one operator holds both keys")

    # Who may

    def test_only_an_agencys_own_dispatchers_and_supervisors_consent_and_revoke(self):
        gateway = self.scene(police="gateway")
        ask = lambda name, agency: self.hand_in(gateway, {"agency": agency, "expires": time_text(600)}, name)
        for name, agency in (("root", "northgate"), ("nobody", "northgate"), ("bin", "northgate"), ("games", "metro-pd"),
                             ("daemon", "northgate")):
            status, body = ask(name, agency)
            self.assertEqual(403, status, f"{name} for {agency}: {body}")
        self.assertEqual(["metro-pd", "northgate"], gateway.item("bridges", "joint")["missing_consent"])
        self.assertEqual(77, gateway.ctl("bridge", "consent", "joint", "--for", "1h", check=False).returncode)
        self.assertEqual(77, gateway.ctl("bridge", "revoke", "joint", check=False).returncode)
        for name in ("root", "nobody", "bin"):
            self.assertEqual(403, self.person(gateway, name).ask("DELETE", "bridges/joint/consents")[0], name)
        self.assertEqual(200, ask("games", "northgate")[0])
        self.assertEqual(200, ask("daemon", "metro-pd")[0])
        self.assertIn("can consent for all of them", gateway.said(), "one operator holds both keys")
        for body in ({"agency": "northgate", "expires": "soon"}, {"agency": "northgate", "expires": time_text(-5)},
                     {"agency": "northgate", "expires": time_text(600), "note": 1}, {"agency": "northgate"}):
            self.assertEqual(422, self.hand_in(gateway, body, "games")[0], body)
        # An agency that has its own key signs itself, whoever asks.
        gateway.write_text(gateway.changed(lambda config: config["agencies"][1].update(key=self.police.public)))
        gateway.ctl("reload")
        status, body = ask("daemon", "metro-pd")
        self.assertEqual(422, status)
        self.assertIn("consent sign", body["detail"])

    # Damage

    def test_a_damaged_list_of_consents_opens_no_bridge_and_takes_none_twice(self):
        for damage in ("damaged", "gone"):
            with self.subTest(damage):
                gateway = self.scene(standing_consent=["northgate"])
                revoked, outside = self.yes(gateway), self.yes(gateway)
                self.assertEqual(200, self.hand_in(gateway, revoked)[0])
                self.assertEqual(200, self.person(gateway, "daemon").ask("DELETE", "bridges/joint/consents")[0])
                used = self.yes_anew(gateway)
                self.assertEqual(200, self.hand_in(gateway, used)[0])
                gateway.ctl("bridge", "open", "joint")
                gateway.recorded("bridge.opened")
                gateway.kill()
                file = gateway.path("var/consents.json")
                if damage == "gone":
                    os.remove(file)
                else:
                    with open(file, encoding="utf-8") as old:
                        text = old.read()
                    with open(file, "w", encoding="utf-8") as new:
                        new.write(text.replace('"revoked":true', '"revoked":false'))
                self.begin(gateway)
                self.assertEqual("closed", self.state(gateway))
                alarms = {alarm["name"]: alarm["detail"] for alarm in gateway.ask("status")["alarms"]}
                self.assertIn("consents.json", alarms["consents.lost"])
                for consent in (revoked, used, outside):
                    self.assertEqual(422, self.hand_in(gateway, consent)[0])
                self.assertEqual("signed_before_revocation", gateway.recorded("consent.given", 5)[-1]["detail"]["refusal"])
                self.assertEqual(200, self.hand_in(gateway, self.yes_anew(gateway))[0])

    def test_a_standing_consent_that_was_taken_back_stays_so_when_the_list_is_lost(self):
        gateway = self.scene(police="gateway", opens="always", standing_consent=["northgate", "metro-pd"])
        self.assertEqual("open", self.state(gateway))
        self.assertEqual(200, self.person(gateway, "games").ask("DELETE", "bridges/joint/consents")[0])
        gateway.recorded("bridge.closed")
        gateway.kill()
        os.remove(gateway.path("var/consents.json"))
        self.begin(gateway)
        self.assertEqual(("closed", ["northgate"]), (self.state(gateway), gateway.item("bridges", "joint")["missing_consent"]))
        # Nobody knows who took back what: nothing stands.
        gateway.kill()
        for name in os.listdir(gateway.data):
            if name.startswith(("log.db", "consents.json", "log.tip")):
                with open(os.path.join(gateway.data, name), "wb") as file:
                    file.write(b"not what it was" * 1000)
        # Nor does the start after one that failed.
        key = gateway.path("var/keys/agency-northgate.key")
        os.chmod(key, 0o644)
        os.chmod(gateway.data, 0o700)
        failed = subprocess.run([PROGRAMS["crosspatchd"], "--config", gateway.file], capture_output=True, timeout=60, check=False)
        self.assertNotEqual(0, failed.returncode)
        self.assertIn(b"agency-northgate.key", failed.stderr)
        os.chmod(key, 0o600)
        self.begin(gateway)
        self.assertEqual(["metro-pd", "northgate"], gateway.item("bridges", "joint")["missing_consent"])
        self.assertEqual("closed", self.state(gateway))

    def alarms(self, gateway):
        return {alarm["name"]: alarm["detail"] for alarm in gateway.ask("status")["alarms"]}

    def test_a_key_that_is_lost_is_not_made_anew_and_its_agency_consents_to_nothing(self):
        gateway = self.scene(police="gateway", opens="always", standing_consent=["northgate", "metro-pd"])
        self.assertEqual("open", self.state(gateway))
        file, kept = gateway.path("var/keys/agency-northgate.key"), gateway.path("backup")
        public = self.of(gateway, "northgate")["key"]
        gateway.recorded("key.added", 2)
        os.rename(file, kept)

        def lost():
            self.assertFalse(os.path.exists(file), "nothing is made anew")
            self.assertEqual(("closed", ["northgate"]), (self.state(gateway), gateway.item("bridges", "joint")["missing_consent"]))
            self.assertIn(file, self.alarms(gateway)["agency.key.lost.northgate"])
            self.assertIn("crosspatchctl key rotate northgate", gateway.said())
            status, body = self.hand_in(gateway, {"agency": "northgate", "expires": time_text(600)}, "games")
            self.assertEqual(422, status)
            self.assertIn("is missing", body["detail"])
        gateway.ctl("reload")
        lost()
        gateway.kill()
        self.begin(gateway)
        lost()
        # Neither is one made when the list of consents is lost with it: the log knows.
        gateway.kill()
        os.remove(gateway.path("var/consents.json"))
        self.begin(gateway)
        lost()
        os.rename(kept, file)
        gateway.ctl("reload")
        self.assertEqual(("open", public), (self.state(gateway), self.of(gateway, "northgate")["key"]))
        self.assertNotIn("agency.key.lost.northgate", self.alarms(gateway))
        # Where nobody can say whose key was here, none is made either; not by the next start, too.
        gateway.kill()
        for name in os.listdir(gateway.data):
            if name.startswith(("log.db", "consents.json", "log.tip")):
                with open(os.path.join(gateway.data, name), "wb") as damaged:
                    damaged.write(b"not what it was" * 1000)
        os.rename(file, kept)
        for _ in range(2):
            self.begin(gateway)
            self.assertFalse(os.path.exists(file))
            self.assertIn("agency.key.lost.northgate", self.alarms(gateway))
            gateway.kill()

    def test_a_key_that_the_gateway_keeps_is_rotated_by_its_agencys_supervisors_alone(self):
        gateway = self.scene(police="gateway", standing_consent=["northgate"])
        self.assertEqual(200, self.hand_in(gateway, {"agency": "metro-pd", "expires": time_text(3600)}, "daemon")[0])
        gateway.ctl("bridge", "open", "joint")
        file = gateway.path("var/keys/agency-metro-pd.key")
        before, old = self.of(gateway, "metro-pd")["key"], os.stat(file).st_ino
        keys = {one["id"]: one for one in gateway.ask("key", "list")["items"]}
        self.assertEqual((before, "gateway", "in_use", 1, 0), tuple(keys["metro-pd"][k] for k in (
            "key", "key_kept_by", "state", "consents", "standing")))
        self.assertEqual((0, 1), (keys["northgate"]["consents"], keys["northgate"]["standing"]))
        self.assertEqual(hashlib.sha256(base64.b64decode(before[8:])).hexdigest(), keys["metro-pd"]["fingerprint"])
        rotate = lambda name, agency="metro-pd": self.person(gateway, name).ask("POST", f"keys/{agency}/rotate", {"reason": "lost laptop"})
        for name in ("root", "games", "nobody", "bin"):
            self.assertEqual(403, rotate(name)[0], name)
        self.assertEqual(404, rotate("daemon", "no-such")[0])
        self.assertEqual(before, self.of(gateway, "metro-pd")["key"])
        self.assertEqual("open", self.state(gateway))
        status, body = rotate("daemon")
        self.assertEqual((200, True), (status, body["kept"]), body)
        one = self.of(gateway, "metro-pd")
        self.assertEqual(("closed", "missing", "key", body["key"]), (self.state(gateway), one["state"], one["ended"], one["key"]))
        self.assertNotEqual(before, body["key"])
        self.assertNotEqual(old, os.stat(file).st_ino)
        self.assertEqual(["agency-metro-pd.key"], [n for n in os.listdir(gateway.path("var/keys")) if "metro" in n], "the old one is gone")
        [revoked] = gateway.recorded("key.revoked")
        self.assertEqual((before, "daemon"), (revoked["detail"]["key"], revoked["actor"]["principal"]))
        self.assertEqual(body["key"], gateway.recorded("key.added", 3)[-1]["detail"]["key"])
        # It holds over a kill, and the agency consents with it.
        gateway.kill()
        self.begin(gateway)
        self.assertEqual(body["key"], self.of(gateway, "metro-pd")["key"])
        self.assertEqual(200, self.hand_in(gateway, {"agency": "metro-pd", "expires": time_text(3600)}, "daemon")[0])
        gateway.ctl("bridge", "open", "joint")
        code, text = gateway.verify()
        self.assertEqual(0, code, text)
        self.assertIn("2 openings of bridges", text)
        # One that was lost is replaced the same way; one that the agency keeps, there.
        os.remove(file)
        gateway.ctl("reload")
        self.assertEqual("lost", next(k for k in gateway.ask("key", "list")["items"] if k["id"] == "metro-pd")["state"])
        self.assertEqual(200, rotate("daemon")[0])
        self.assertNotIn("agency.key.lost.metro-pd", self.alarms(gateway))
        gateway.write_text(gateway.changed(lambda config: config["agencies"][1].update(key=self.police.public)))
        gateway.ctl("reload")
        status, body = rotate("daemon")
        self.assertEqual(422, status)
        self.assertIn("key generate", body["detail"])

    # Without a daemon

    def test_keys_and_statements_are_made_and_checked_where_no_daemon_is(self):
        gateway = self.scene()
        folder = gateway.path("police")
        os.mkdir(folder, 0o700)
        file = os.path.join(folder, "new.key")
        ctl = lambda *arguments: subprocess.run([PROGRAMS["crosspatchctl"], *arguments], capture_output=True, text=True,
                                                check=False, timeout=20)
        made = ctl("key", "generate", "-o", file)
        self.assertRegex(made.stdout, r"^key: 'ed25519:[A-Za-z0-9+/]{43}='\n$")
        self.assertEqual(0o600, os.stat(file).st_mode & 0o777)
        self.assertEqual(1, ctl("key", "generate", "-o", file).returncode, "a key is never replaced")
        carried = os.path.join(folder, "terms.json")
        with open(carried, "w", encoding="utf-8") as out:
            out.write(gateway.ctl("--json", "bridge", "terms", "joint").stdout)
        sign = lambda *more, key=self.police.file, terms=carried: ctl("consent", "sign", "--key", key, "--bridge", "joint", "--terms",
                                                                      terms, *more)
        self.assertIn("no agency on bridge", sign(key=file).stderr)
        self.assertEqual(1, sign("--for", "8 hours").returncode)
        self.assertEqual(2, sign("--for", "8h", "--expires", time_text(60)).returncode)
        with open(carried, encoding="utf-8") as text:
            terms = json.load(text)
        terms["document"]["sensitivity"]["pd-tac"] = "CLEAR"
        with open(carried + ".shown", "w", encoding="utf-8") as out:
            json.dump(terms, out)
        self.assertIn("do not give the hash", sign(terms=carried + ".shown").stderr, "what is shown is what is signed")

        signed = os.path.join(folder, "consent.json")
        with open(signed, "w", encoding="utf-8") as out:
            out.write(sign("--for", "30m").stdout)
        check = lambda path, *more, key=self.police.public: subprocess.run(
            [PROGRAMS["crosspatch-verify"], "consent", path, "--key", key, *more], capture_output=True, text=True, check=False,
            timeout=20)
        run = check(signed, "--bridge", "joint", "--agency", "metro-pd", "--gateway", terms["gateway"], "--at", time_text(60))
        self.assertEqual(0, run.returncode, run.stderr)
        self.assertIn("agency metro-pd consents to bridge joint", run.stdout)
        for more, why in ((("--bridge", "other"), "it is for bridge joint"), (("--gateway", "0" * 32), "given to gateway"),
                          (("--at", time_text(3600)), "expired at"), (("--terms", "0" * 64), "other terms")):
            run = check(signed, *more)
            self.assertEqual(1, run.returncode)
            self.assertIn(why, run.stderr)
        self.assertIn("forged", check(signed, key=made.stdout.split("'")[1]).stderr)
        with open(signed, encoding="utf-8") as text:
            tampered = text.read().replace('"bridge":"joint"', '"bridge":"jointt"')
        with open(signed + ".tampered", "w", encoding="utf-8") as out:
            out.write(tampered)
        self.assertIn("forged", check(signed + ".tampered").stderr)

    def test_an_auditor_finds_a_consent_that_was_put_into_the_log_afterwards(self):
        gateway = self.scene(standing_consent=["northgate"])
        self.assertEqual(200, self.hand_in(gateway, self.yes(gateway))[0])
        gateway.recorded("consent.given")
        self.assertEqual(0, gateway.stop()[0])
        copy = gateway.path("copy")
        shutil.copytree(gateway.data, copy, ignore=lambda folder, names: [n for n in names if n.endswith(".sock")])
        with sqlite3.connect(copy + "/log.db") as log:
            seq, body = log.execute("SELECT seq, body FROM record WHERE body LIKE '%consent.given%'").fetchone()
            record = json.loads(body)
            record["detail"]["statement"]["expires"] = time_text(7200)
            log.execute("UPDATE record SET body=? WHERE seq=?", (canonical(record), seq))
        log.close()
        run = subprocess.run([PROGRAMS["crosspatch-verify"], copy], capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(1, run.returncode)
        self.assertIn(f"record {seq} its consent is forged", run.stdout)


if __name__ == "__main__":
    main()
