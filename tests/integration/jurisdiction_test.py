#!/usr/bin/env python3
"""Jurisdiction: who may open, close, pre-empt and command on a bridge, as people of each side and of none find it."""
import os
import subprocess
import time
import unittest

from gateway import PROGRAMS, GatewayTest, bridge, channel, end, ended, endpoint, main
from people import People, let_in, open_socket

# NAME=(agency, role): the kernel says who asks.
WHO = {"games": ("northgate", "dispatcher"), "daemon": ("metro-pd", "supervisor"), "sys": ("metro-pd", "officer"),
       "bin": ("northgate", "auditor"), "news": ("county-eoc", "dispatcher"), "mail": ("county-eoc", "guard"),
       "lp": ("northgate", "technician")}
POLICE = {"id": "police", "may": ["open", "preempt", "command"], "agency": "metro-pd", "role": ["supervisor", "dispatcher"],
          "place": ["stadium"]}
EOC = {"id": "eoc", "may": ["open", "close"], "agency": "county-eoc", "role": "dispatcher", "bridge": "joint"}
QUIET = {"id": "quiet", "may": "open", "action": "deny", "agency": "northgate", "bridge": "joint", "reason": "The police open this one"}


@unittest.skipUnless(os.geteuid() == 0, "only root becomes somebody else")
class Jurisdiction(GatewayTest, People):
    def scene(self, rules=(POLICE, EOC), start=True, **more):
        """A stadium with a bridge that opens on request, and one elsewhere that no rule speaks of."""
        gateway = self.gateway(
            channel("ng-ops", "northgate", endpoint("guard", "pcmu", talker={"id": "ng-7", "priority": 3})),
            channel("pd-tac", "metro-pd", endpoint("officer", "pcmu", talker={"id": "pd-3", "role": "officer", "priority": 9}),
                    endpoint("chief", "pcmu", talker={"id": "pd-1", "role": "supervisor", "priority": 9})),
            bridges=[bridge("joint", "ng-ops", "pd-tac", opens="on_request", place="stadium", preemption=[{"over": {"agency": "northgate"}}],
                            **more),
                     bridge("gate", "ng-ops", "pd-tac", opens="on_request")], start=False)
        gateway.config["agencies"].append({"id": "county-eoc", "name": "County EOC", "kind": "other", "key": "gateway"})
        gateway.config["jurisdiction"] = list(rules)
        let_in(gateway, **WHO)
        if start:
            gateway.start()
            open_socket(gateway)
        return gateway

    def may(self, gateway, name, one="joint"):
        status, body = self.ask_as(gateway, name, "bridges/" + one)
        return body["may"] if status == 200 else status

    def post(self, gateway, name, path):
        status, body = self.ask_as(gateway, name, path, "POST")
        return status, body.get("detail", "")

    def check(self, gateway):
        return subprocess.run([PROGRAMS["crosspatchd"], "--config", gateway.file, "--check"], capture_output=True, text=True,
                              check=False, timeout=60)

    def refused_with(self, gateway, *rules):
        """What the loader says of these rules."""
        gateway.config["jurisdiction"] = list(rules)
        gateway.write()
        run = self.check(gateway)
        self.assertEqual(78, run.returncode, run.stderr)
        return run.stderr

    def test_who_may_open_and_close_and_how_a_refusal_names_the_rule(self):
        gateway = self.scene()
        self.assertEqual({"games": ["close"], "daemon": ["open", "close", "preempt", "command"], "sys": [], "news": ["open", "close"],
                          "mail": 404}, {name: self.may(gateway, name) for name in ("games", "daemon", "sys", "news", "mail")})
        self.assertEqual(["open", "close"], self.may(gateway, "games", "gate"), "where no rule speaks all is as ever")
        self.assertEqual(404, self.may(gateway, "news", "gate"))
        self.assertEqual(("stadium", None), tuple(gateway.item("bridges", one)["place"] for one in ("joint", "gate")))

        status, why = self.post(gateway, "games", "bridges/joint/open")
        self.assertEqual((403, "games may not open bridge 'joint': jurisdiction rule 'police' gives it to dispatcher, supervisor of metro-pd"),
                         (status, why))
        [asked] = gateway.recorded("bridge.requested")
        self.assertEqual(("denied", why), (asked["outcome"], asked["detail"]["reason"]))
        run = gateway.ctl("bridge", "open", "joint", check=False)
        self.assertEqual(77, run.returncode)
        self.assertIn("root may not open bridge 'joint': jurisdiction rule 'police'", run.stderr)
        self.assertEqual(404, self.post(gateway, "mail", "bridges/joint/open")[0], "for whom it is not there")

        for opener, closer in (("daemon", "games"), ("news", "daemon"), ("daemon", "news"), ("news", "root")):
            self.assertEqual(200, self.post(gateway, opener, "bridges/joint/open")[0], opener)
            self.assertEqual("open", gateway.item("bridges", "joint")["state"])
            if closer == "root":
                gateway.ctl("bridge", "close", "joint")
            else:
                self.assertEqual(200, self.post(gateway, closer, "bridges/joint/close")[0], closer)
            self.assertEqual("closed", gateway.item("bridges", "joint")["state"])
        status, why = self.post(gateway, "sys", "bridges/joint/close")
        self.assertEqual((403, "sys may not close 'joint': dispatchers and supervisors of the agencies on the bridge open and close it"),
                         (status, why))
        # An agency's consent is its own to give and to take back, whoever opens.
        self.assertEqual(200, self.ask_as(gateway, "games", "bridges/joint/consents", "DELETE")[0])
        self.assertEqual(403, self.ask_as(gateway, "news", "bridges/joint/consents", "DELETE")[0])
        self.assertEqual(0, gateway.verify()[0])

    def test_a_rule_that_denies_gives_its_reason(self):
        gateway = self.scene([QUIET])
        run = self.post(gateway, "games", "bridges/joint/open")
        self.assertEqual((403, "games may not open bridge 'joint': jurisdiction rule 'quiet' denies it: The police open this one"), run)
        self.assertEqual(200, self.post(gateway, "daemon", "bridges/joint/open")[0])

    def test_command_reaches_radios_of_the_other_side_while_the_bridge_is_open(self):
        gateway = self.scene()
        state = lambda: gateway.item("endpoints", "guard")["state"]
        self.assertEqual(404, self.post(gateway, "daemon", "endpoints/guard/disable")[0], "a closed bridge shows him no radio")
        self.assertEqual(200, self.post(gateway, "daemon", "bridges/joint/open")[0])
        status, why = self.post(gateway, "sys", "endpoints/guard/disable")
        self.assertEqual(403, status)
        self.assertEqual("sys may not switch 'guard' off or on by command of bridge 'joint': jurisdiction rule 'police' gives it to "
                         "dispatcher, supervisor of metro-pd", why)
        self.assertEqual(403, self.post(gateway, "daemon", "endpoints/guard/revoke")[0], "a key is its owner's")
        self.assertEqual(200, self.post(gateway, "daemon", "endpoints/guard/disable")[0])
        gateway.wait_for(lambda: state() == "disabled", 10, "the guard's radio to be off")
        [off] = gateway.recorded("endpoint.disabled")
        self.assertEqual(("daemon", "metro-pd", "ng-ops", "joint", "police"),
                         (off["actor"]["principal"], off["actor"]["agency"], off["object"]["channel"], off["detail"]["bridge"],
                          off["detail"]["rule"]))
        # Whose radio it is reads that in his own log.
        status, log = self.ask_as(gateway, "bin", "log/records?last=100")
        self.assertEqual((200, [off["seq"]]), (status, [r["seq"] for r in log["items"] if r["type"] == "endpoint.disabled"]))

        self.assertEqual(200, self.post(gateway, "lp", "endpoints/guard/enable")[0], "the owner has it on again, command or not")
        gateway.wait_for(lambda: state() != "disabled", 10, "the guard's radio to be on")
        self.assertEqual(200, self.post(gateway, "daemon", "endpoints/guard/disable")[0])
        gateway.wait_for(lambda: state() == "disabled", 10, "the guard's radio to be off again")
        status, radio = self.ask_as(gateway, "daemon", "endpoints/guard/enable", "POST")
        self.assertEqual((200, {"id", "channel", "state", "talker"}), (status, set(radio)), "where and how it is, is its owner's")
        on = gateway.recorded("endpoint.up")[-1]
        self.assertEqual(("joint", "police"), (on["detail"]["bridge"], on["detail"]["rule"]))
        self.assertEqual(403, self.post(gateway, "games", "endpoints/officer/disable")[0], "command is one side's")

        self.assertEqual(200, self.post(gateway, "games", "bridges/joint/close")[0])
        self.assertEqual(404, self.post(gateway, "daemon", "endpoints/guard/disable")[0])
        self.assertEqual(0, gateway.verify()[0])

    def test_command_of_one_bridge_is_not_command_of_another(self):
        gateway = self.scene()
        self.assertEqual(200, self.post(gateway, "games", "bridges/gate/open")[0])
        self.assertEqual(403, self.post(gateway, "daemon", "endpoints/guard/disable")[0])

    def test_preemption_counts_for_whom_jurisdiction_lets(self):
        gateway = self.scene()
        self.assertEqual(200, self.post(gateway, "daemon", "bridges/joint/open")[0])
        words = gateway.bench.speech("words", "Unit seven at the north gate, all is quiet here, nothing to report for now.")
        guard = gateway.radio("guard", "--talk", words, "--repeat", "20", "--gap", "1ms")
        holder = lambda: gateway.item("floor", "pd-tac")["talker"]
        gateway.wait_for(lambda: holder() == "ng-7", 20, "the guard to have both floors")
        officer = gateway.radio("officer", "--talk", words, "--for", "2s")
        denied = lambda: [t for t in gateway.talkspurts() if t["denied"] and t["endpoint"] == "officer"]
        gateway.wait_for(denied, 20, "the officer to be denied")
        ended(officer)
        self.assertIn("but on bridge joint officer of metro-pd may not take it: jurisdiction rule 'police' gives it to dispatcher, "
                      "supervisor of metro-pd", gateway.ctl("why", denied()[0]["id"]).stdout)
        time.sleep(1.5)  # its press is over
        chief = gateway.radio("chief", "--talk", words, "--for", "4s")
        gateway.wait_for(lambda: holder() == "pd-1", 20, "the chief to take the floor")
        ended(chief)
        end(guard)

    def test_the_table_says_who_may_what_by_which_rule(self):
        gateway = self.scene([POLICE, {**EOC, "may": ["close"]}, {**QUIET, "id": "no-emergency", "may": "emergency"}])
        status, body = self.ask_as(gateway, "bin", "bridges/joint/jurisdiction")
        self.assertEqual((200, "joint", "stadium"), (status, body["id"], body["place"]))
        rows = {(row["right"], row["agency"], role): row for row in body["rights"] for role in row["roles"]}
        self.assertEqual({"county-eoc", "metro-pd", "northgate", None}, {agency for _, agency, _ in rows})
        self.assertEqual(5 * (3 * 7 + 1), len(rows), "every right of every role of each agency, once")
        allowed = {(right, agency, role): row["rule"] for (right, agency, role), row in rows.items() if row["allowed"]}
        both = [("metro-pd", "supervisor"), ("metro-pd", "dispatcher")]
        self.assertEqual({**{(right, *who): "police" for right in ("open", "preempt", "command") for who in both},
                          **{("close", agency, role): None for agency in ("metro-pd", "northgate") for role in ("supervisor", "dispatcher")},
                          ("close", "county-eoc", "dispatcher"): "eoc", ("close", None, "administrator"): None}, allowed)
        self.assertEqual("jurisdiction rule 'no-emergency' denies it: The police open this one", rows["emergency", "northgate", "guard"]["text"])
        self.assertEqual("no `preemption` of the bridge names him", rows["emergency", "metro-pd", "guard"]["text"])

        table = gateway.ctl("policy", "jurisdiction", "joint").stdout
        lines = [line.split() for line in table.splitlines()]
        self.assertEqual(["RIGHT", "AGENCY", "ROLES", "MAY", "RULE", "WHY"], lines[0])
        self.assertIn(["command", "metro-pd", "dispatcher,supervisor", "yes", "police"], [line[:5] for line in lines])
        self.assertNotIn("no", [line[3] for line in lines])
        one = gateway.ctl("policy", "jurisdiction", "joint", "--agency", "northgate", "--role", "dispatcher").stdout
        self.assertEqual([["open", "no"], ["close", "yes"], ["preempt", "no"], ["emergency", "no"], ["command", "no"]],
                         [[line.split()[0], line.split()[3]] for line in one.splitlines()[1:]])
        self.assertEqual(1, gateway.ctl("policy", "jurisdiction", "nowhere", check=False).returncode)
        self.assertIn("there is no such agency", gateway.ctl("policy", "jurisdiction", "joint", "--agency", "x", check=False).stderr)
        self.assertIn("it is one of guard", gateway.ctl("policy", "jurisdiction", "joint", "--role", "x", check=False).stderr)
        self.assertEqual(404, self.ask_as(gateway, "mail", "bridges/joint/jurisdiction")[0])

    def test_the_rules_are_part_of_the_terms_and_of_what_a_consent_says_yes_to(self):
        gateway = self.scene()
        terms = gateway.ask("bridge", "terms", "joint")
        self.assertEqual({"place": "stadium", "rules": [
            {"id": "police", "action": "allow", "may": ["command", "open", "preempt"], "agency": ["metro-pd"],
             "role": ["dispatcher", "supervisor"]},
            {"id": "eoc", "action": "allow", "may": ["close", "open"], "agency": ["county-eoc"], "role": ["dispatcher"]}]},
            terms["document"]["preemption"]["jurisdiction"])
        self.assertIn('"id":"police"', gateway.ctl("bridge", "terms", "joint").stdout)
        self.assertNotIn("jurisdiction", gateway.ask("bridge", "terms", "gate")["document"]["preemption"])
        self.assertEqual(200, self.post(gateway, "daemon", "bridges/joint/open")[0])
        before = gateway.item("bridges", "gate")["terms"]
        gateway.config["jurisdiction"] = [POLICE]
        gateway.write()
        gateway.ctl("reload")
        self.assertNotEqual(terms["terms"], gateway.item("bridges", "joint")["terms"])
        self.assertEqual(before, gateway.item("bridges", "gate")["terms"])
        self.assertEqual(404, self.may(gateway, "news"), "what the new rules do not give is gone at once")

    def test_what_contradicts_itself_is_refused_with_both_rules(self):
        gateway = self.scene(start=False)
        guards = {"id": "guards", "may": ["command"], "agency": "northgate", "bridge": "joint"}
        said = self.refused_with(gateway, POLICE, guards)
        self.assertIn("jurisdiction[1]: rule 'guards' gives `command` on bridge 'joint' to northgate, and rule 'police' in line ", said)
        self.assertIn(" gives it to metro-pd: command is one agency's", said)
        said = self.refused_with(gateway, POLICE, {**POLICE, "id": "not-police", "action": "deny"})
        self.assertIn("rule 'not-police' denies what rule 'police' in line ", said)
        said = self.refused_with(gateway, {**QUIET, "may": ["close"]})
        self.assertIn("either side must be able to cut alone", said)
        self.assertIn("this version does not have this yet (conditions on incidents)", self.refused_with(gateway, {**POLICE, "incident": "fire"}))
        gateway.config["bridges"][0]["preemption"] = [{"role": "officer", "agency": "metro-pd"}]
        said = self.refused_with(gateway, POLICE)
        self.assertIn("lets officer of metro-pd take the floor, and jurisdiction rule 'police' gives it to dispatcher, supervisor of "
                      "metro-pd (line ", said)
        # A daemon that runs keeps what it has.
        gateway.config["bridges"][0]["preemption"] = []
        gateway.config["jurisdiction"] = [POLICE]
        gateway.write()
        gateway.start()
        digest = gateway.ask("status")["configuration"]
        gateway.config["jurisdiction"] = [POLICE, guards]
        gateway.write()
        run = gateway.ctl("reload", check=False)
        self.assertEqual(78, run.returncode)
        self.assertIn("command is one agency's", run.stderr)
        self.assertEqual(digest, gateway.ask("status")["configuration"])


if __name__ == "__main__":
    main()
