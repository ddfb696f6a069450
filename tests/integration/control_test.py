#!/usr/bin/env python3
"""What operators see and command: the shapes that contract.md promises, bridges, cuts, and who may not."""
import http.client
import json
import os
import re
import socket
import subprocess
import time
import unittest
import urllib.error
import urllib.request

from gateway import CM80, PLAIN, READY, GatewayTest, bridge, channel, end, endpoint, main
from people import People, let_in, open_socket
from radios import Tap

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


class Control(People, GatewayTest):
    def two_agencies(self, **more):
        return self.gateway(channel("ng-ops", "northgate", endpoint("guard")),
                            channel("pd-tac", "metro-pd", endpoint("officer", "pcmu", CM80), endpoint("tap", "pcmu", PLAIN)),
                            bridges=[bridge("joint", "ng-ops", "pd-tac", **more)])

    def talk(self, gateway, name="guard"):
        words = gateway.bench.speech("words", "Unit seven, fight at the north gate, two persons down.")
        radio = gateway.radio(name, "--talk", words, "--repeat", "20", "--gap", "1ms")
        home = next(c["id"] for c in gateway.config["channels"] if name in [e["id"] for e in c["endpoints"]])
        gateway.wait_for(lambda: gateway.item("floor", home)["state"] == "taken", 10, f"{name} to talk")
        return radio

    # Shapes

    def check(self, one, **wanted):
        """Each key is there, and is of the type or the pattern that is wanted."""
        for key, kind in wanted.items():
            self.assertIn(key, one)
            if isinstance(kind, str):
                self.assertRegex(one[key], f"^{kind}$", key)
            else:
                self.assertIsInstance(one[key], kind, f"{key}: {one[key]!r}")

    def test_json_has_the_shapes_of_the_contract(self):
        gateway = self.two_agencies()
        talker = self.talk(gateway)
        none = type(None)
        self.check(gateway.ask("status"), id="test-gw", version=r"\d.*", log="[0-9a-f]{32}", started=TIME, workers=int, rt=str,
                   alarms=list)
        for what in ("channels", "endpoints", "bridges", "floor"):
            self.assertEqual(["items", "next"], sorted(gateway.ask(what)), what)
            self.assertTrue(all(isinstance(one["id"], str) for one in gateway.items(what)), what)
        self.check(gateway.item("channels", "ng-ops"), name="Channel ng-ops", agency="northgate", sensitivity="AMBER")
        self.check(gateway.item("endpoints", "guard"), channel="ng-ops", type="rtp", state="up", since=TIME, listen=r"127\.0\.0\.1:\d+",
                   remote=r"127\.0\.0\.1:\d+", codec="opus", ptime_ms=int, suite="AEAD_AES_256_GCM", talker="guard", role="guard")
        self.check(gateway.item("bridges", "joint"), state="open", since=TIME, by="configuration", channels=list, agreement=none)
        self.assertEqual({"channel": "ng-ops", "direction": "both", "gain_db": 0}, gateway.item("bridges", "joint")["channels"][0])
        self.check(gateway.item("floor", "pd-tac"), channel="pd-tac", state="taken", talker="guard", endpoint="guard", since=TIME,
                   remaining_ms=int, queue=list)
        end(talker)
        gateway.wait_for(lambda: gateway.item("floor", "pd-tac")["state"] == "idle", 5, "the floor to be free")
        self.check(gateway.item("floor", "pd-tac"), talker=none, endpoint=none)
        gateway.records()
        gateway.wait_for(lambda: gateway.items("calls"), 10, "the call to be on record")
        [call] = gateway.items("calls")
        self.check(call, id="[0-9a-f]+", channels=list, bridge="joint", incident=none, started=TIME, ended=TIME, talkspurts=int)
        [talkspurt] = gateway.talkspurts()
        self.check(talkspurt, id="[0-9a-f]+", talker="guard", endpoint="guard", channel="ng-ops", started=TIME, ended=TIME,
                   end_cause=str, listeners=list, packets_received=int, packets_lost=int, frames_concealed=int, access_time_ms=int,
                   gateway_delay_p99_ms=int, denied=bool)
        self.assertEqual({"officer", "tap"}, set(talkspurt["listeners"]))
        for what in ("status", "channels", "endpoints", "bridges", "floor", "calls"):
            self.assertNotIn("[null]", gateway.ctl("--json", what).stdout)
            self.assertTrue(gateway.ctl(what).stdout, f"a table of {what} for people")

    # Bridges

    def test_a_bridge_does_not_open_before_all_have_consented(self):
        gateway = self.two_agencies(opens="on_request", standing_consent=["northgate"])
        run = gateway.ctl("bridge", "open", "joint", check=False)
        self.assertEqual(77, run.returncode, run.stderr)
        self.assertIn("metro-pd", run.stderr)
        self.assertNotIn("northgate", run.stderr)
        self.assertEqual("closed", gateway.item("bridges", "joint")["state"])
        self.assertEqual(["denied"], [record["outcome"] for record in gateway.recorded("bridge.requested")])
        self.assertEqual([], gateway.records("bridge.opened"))

        gateway.config["bridges"][0]["standing_consent"] = ["northgate", "metro-pd"]
        gateway.write()
        gateway.ctl("reload")
        tap = Tap(gateway.remotes["tap"])
        self.addCleanup(tap.stop)
        talker = self.talk(gateway)
        time.sleep(0.5)
        self.assertEqual([], tap.times, "nothing crosses a closed bridge")
        gateway.ctl("bridge", "open", "joint")
        opened = time.time_ns()
        gateway.wait_for(lambda: sum(t > opened for t in tap.times) > 20, 5, "the crossing to begin in mid-talkspurt")

        began = time.time_ns()
        gateway.ctl("bridge", "close", "joint", "--reason", "the incident is over")
        closed = time.time_ns()
        time.sleep(1)
        self.assertGreater(len([t for t in tap.times if t < began]), 20)
        self.assertLess((max(tap.stop().times) - closed) / 1e6, 100, "ms from the command's end to the last foreign packet")
        self.assertEqual("closed", gateway.item("bridges", "joint")["state"])
        end(talker)
        self.assertEqual(["root"], [record["actor"]["principal"] for record in gateway.recorded("bridge.closed")])

    # Cuts

    def test_a_disabled_radio_is_silent_within_a_second_until_it_is_enabled(self):
        gateway = self.two_agencies()
        tap = Tap(gateway.remotes["tap"])
        self.addCleanup(tap.stop)
        talker = self.talk(gateway)
        gateway.wait_for(lambda: len(tap.times) > 20, 5, "the guard to be heard")
        began = time.time_ns()
        gateway.ctl("endpoint", "disable", "guard", "--reason", "lost")
        returned = time.time_ns()
        time.sleep(1)
        self.assertLess((max(tap.times) - began) / 1e9, 1)
        self.assertLess((max(tap.times) - returned) / 1e6, 100)
        self.assertEqual("disabled", gateway.item("endpoints", "guard")["state"])
        gateway.wait_for(lambda: gateway.drops("guard").get("disabled", 0) > 20, 5, "what it says to be counted")
        gateway.ctl("endpoint", "enable", "guard")
        enabled = time.time_ns()
        end(talker)  # nobody is let in in mid-word: he lets go, and presses again
        time.sleep(1.2)
        talker = self.talk(gateway)
        gateway.wait_for(lambda: sum(t > enabled for t in tap.times) > 20, 5, "the guard to be heard again")
        end(talker)
        self.assertEqual(1, len(gateway.recorded("endpoint.disabled")))
        self.assertEqual(1, gateway.ctl("endpoint", "disable", "nobody", check=False).returncode)

    # Who may

    @unittest.skipUnless(os.geteuid() == 0, "only root becomes somebody else")
    def test_a_user_whom_nobody_named_is_refused(self):
        gateway = self.two_agencies()
        os.chmod(gateway.home, 0o711)
        os.chmod(gateway.data, 0o711)
        os.chmod(gateway.data + "/control.sock", 0o666)

        def become_nobody():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        for command in (["status"], ["bridge", "close", "joint"], ["endpoint", "disable", "guard"], ["reload"]):
            ask = ("import http.client, socket, sys\n"
                   "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
                   "c = http.client.HTTPConnection('localhost'); c.sock = s\n"
                   "c.request(sys.argv[2], sys.argv[3], body=b'{}' if sys.argv[2] == 'POST' else None,\n"
                   "          headers={'Content-Type': 'application/json'})\n"
                   "print(c.getresponse().status)")
            path = {"status": "status", "bridge": "bridges/joint/close", "endpoint": "endpoints/guard/disable", "reload": "reload"}
            run = subprocess.run(["/usr/bin/python3", "-c", ask, gateway.data + "/control.sock",
                                  "GET" if command[0] == "status" else "POST", "/api/v1/" + path[command[0]]],
                                 capture_output=True, text=True, check=False, timeout=20, preexec_fn=become_nobody)
            self.assertIn(run.stdout.strip(), ("401", "403"), f"{command}: {run.stderr}")
        self.assertEqual("open", gateway.item("bridges", "joint")["state"])
        self.assertNotEqual("disabled", gateway.item("endpoints", "guard")["state"])

    # Agencies

    PEOPLE = {"nobody": ("northgate", "dispatcher"), "games": ("northgate", "supervisor"), "daemon": ("northgate", "technician")}

    def guarded(self, **more):
        """Two agencies, and people of one of them on the control socket."""
        gateway = self.gateway(
            channel("ng-ops", "northgate", endpoint("guard")),
            channel("pd-tac", "metro-pd", endpoint("officer", "pcmu", CM80)),
            channel("pd-own", "metro-pd", endpoint("desk", "pcmu", CM80)),
            bridges=[bridge("joint", "ng-ops", "pd-tac", opens="on_request", **more), bridge("inner", "pd-tac", "pd-own")], start=False)
        let_in(gateway, **self.PEOPLE)
        gateway.start()
        open_socket(gateway)
        return gateway

    @unittest.skipUnless(os.geteuid() == 0, "only root becomes somebody else")
    def test_an_agency_sees_and_hears_of_what_is_its_own_and_what_is_joined_to_it(self):
        gateway = self.guarded()
        events, everything = self.follow(gateway, "nobody"), self.follow(gateway, "root")
        ids = lambda what: {one["id"] for one in self.ask_as(gateway, "nobody", what)[1]["items"]}
        self.assertEqual(({"guard"}, {"ng-ops"}, {"joint"}), (ids("endpoints"), ids("channels"), ids("bridges")))
        talker = self.talk(gateway, "officer")
        end(talker)
        gateway.wait_for(lambda: "talkspurt.ended" in [e["type"] for e in everything], 10, "the talkspurt to be told")
        self.assertEqual([], events, "of the others' talk he hears nothing")

        gateway.ctl("bridge", "open", "joint")
        time.sleep(1.2)  # a press is what follows the lease of silence
        talker = self.talk(gateway, "officer")
        end(talker)
        gateway.wait_for(lambda: "talkspurt.ended" in [e["type"] for e in events], 10, "what crosses to be told")
        self.assertTrue({"bridge.opened", "floor.granted"} <= {e["type"] for e in events})
        self.assertEqual({"guard", "officer"}, ids("endpoints"))
        foreign = self.ask_as(gateway, "nobody", "endpoints/officer")[1]
        self.assertEqual({"id": "officer", "channel": "pd-tac", "state": "up", "talker": "officer"}, foreign)
        self.assertIn("remote", self.ask_as(gateway, "nobody", "endpoints/guard")[1])
        gateway.wait_for(lambda: len([t for t in gateway.talkspurts() if t["channel"] == "pd-tac"]) == 2, READY, "both to be on record")
        calls = self.ask_as(gateway, "nobody", "calls")[1]["items"]
        self.assertEqual([{"ng-ops", "pd-tac"}], [set(call["channels"]) for call in calls], "what was said before is not his")
        gateway.ctl("endpoint", "disable", "desk")
        gateway.ctl("bridge", "close", "joint")
        gateway.wait_for(lambda: events[-1]["type"] == "bridge.closed", 10, "the end of the crossing to be told")
        self.assertNotIn("endpoint.disabled", [e["type"] for e in events])
        self.assertIn("endpoint.disabled", [e["type"] for e in everything])

        read = lambda: [(r["type"], r["object"].get("channel")) for r in self.ask_as(gateway, "games", "log/records?last=1000")[1]["items"]]
        gateway.wait_for(lambda: "bridge.closed" in [kind for kind, _ in read()], READY, "the record of the end")
        self.assertTrue({"bridge.opened", "bridge.closed", "talkspurt.ended"} <= {kind for kind, _ in read()})
        self.assertFalse({"heartbeat", "endpoint.disabled", "software.started"} & {kind for kind, _ in read()})
        self.assertNotIn(("floor.granted", "pd-tac"), read())

    @unittest.skipUnless(os.geteuid() == 0, "only root becomes somebody else")
    def test_what_an_agency_may_not_see_is_not_there_and_asking_for_it_is_on_record(self):
        gateway = self.guarded()
        status = lambda name, *question: self.ask_as(gateway, name, *question)[0]
        for path in ("bridges/inner/open", "bridges/inner/close", "endpoints/desk/disable", "endpoints/desk/enable",
                     "endpoints/nowhere/disable"):
            self.assertEqual(404, status("nobody", path, "POST"), path)
        self.assertEqual(403, status("daemon", "bridges/joint/open", "POST"), "a bridge of his, but not his to open")
        self.assertEqual(403, status("nobody", "reload", "POST"))
        denied = gateway.recorded("auth.denied", 6)
        self.assertEqual({"northgate"}, {record["actor"]["agency"] for record in denied})
        self.assertIn("/api/v1/endpoints/desk/enable", [record["object"]["id"] for record in denied])
        self.assertIn("/api/v1/reload", [record["object"]["id"] for record in denied])

        explain = lambda a, b: status("nobody", f"policy/explain?from={a}&to={b}")
        self.assertEqual((200, 200, 200), (explain("guard", "pd-tac"), explain("officer", "ng-ops"), explain("ng-ops", "pd-own")))
        self.assertEqual((404, 404, 404), (explain("officer", "pd-own"), explain("pd-tac", "pd-own"), explain("pd-tac", "nowhere")))

    @unittest.skipUnless(os.geteuid() == 0, "only root becomes somebody else")
    def test_a_reload_takes_rights_from_connections_that_are_open(self):
        gateway = self.guarded()
        events, connection = self.follow(gateway, "nobody"), self.connect(gateway, "nobody")
        self.assertEqual(200, self.ask_as(gateway, "nobody", "status", connection=connection)[0])
        gateway.config["gateway"]["operators"] = []
        gateway.write()
        gateway.ctl("reload")
        self.assertEqual(401, self.ask_as(gateway, "nobody", "status", connection=connection)[0])
        gateway.wait_for(lambda: None in events, 5, "the stream to end")

    # HTTP

    def get(self, gateway, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{gateway.api_port()}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def test_health_and_metrics_over_http_and_over_the_socket(self):
        gateway = self.two_agencies()
        self.assertEqual((200, "ok\n"), self.get(gateway, "/healthz"))
        self.assertEqual((200, "ready\n"), self.get(gateway, "/readyz"))
        status, problem = self.get(gateway, "/api/v1/status")
        self.assertEqual((401, 401), (status, json.loads(problem)["status"]), "TCP does not say who asks")
        self.assertEqual(401, self.get(gateway, "/api/v1/events")[0])
        talker = self.talk(gateway)
        time.sleep(2.5)
        run = subprocess.run(["curl", "-sf", "--max-time", "10", "--unix-socket", gateway.data + "/control.sock",
                              "http://localhost/metrics"], capture_output=True, text=True, check=True)
        end(talker)
        self.assertEqual(200, self.get(gateway, "/metrics")[0])
        for name in ("packets_received_total", "packets_sent_total", "media_delay_seconds_bucket", "floor_decision_seconds",
                     "floor_decisions_total", "talkspurts_total", "access_time_seconds", "concealed_frames_total", "jitter_seconds",
                     "loss_ratio", "bridges_open", "log_records_total", "log_queue_depth", "log_commit_seconds", "log_uncosigned_seconds",
                     "octets_received_total", "octets_sent_total", "recordings_open",
                     "worker_busy_ratio", "build_info"):
            self.assertRegex(run.stdout, rf"(?m)^crosspatch_{name}")
        self.assertRegex(run.stdout, r"(?m)^crosspatch_bridges_open 1$")
        age = float(re.search(r"(?m)^crosspatch_log_uncosigned_seconds (\S+)$", run.stdout).group(1))
        self.assertTrue(2 < age < 120, f"as old as the log: {age}")
        received = re.search(r'(?m)^crosspatch_packets_received_total\{[^}]*endpoint="guard"[^}]*\} (\d+)', run.stdout)
        self.assertTrue(received, run.stdout[:2000])
        self.assertGreater(int(received[1]), 50)

    def test_crosspatchctl_says_by_its_exit_code_what_became_of_it(self):
        gateway = self.two_agencies()
        code = lambda *arguments: gateway.ctl(*arguments, check=False).returncode
        token, api = gateway.path("token"), f"http://127.0.0.1:{gateway.api_port()}"
        with open(token, "w", encoding="ascii") as file:
            file.write("secret-token\n")
        os.chmod(token, 0o644)
        self.assertEqual(2, code("--api", api, "--token-file", token, "status"), "others may read it")
        os.chmod(token, 0o600)
        self.assertEqual(2, code("--api", "http://203.0.113.5:8470", "--token-file", token, "status"), "in clear over a network")
        for command in (["status"], ["events", "--follow"], ["--json", "events"]):
            self.assertEqual(77, code("--api", api, *command), command)
            self.assertEqual(77, code("--api", api + "/", "--token-file", token, *command), command)
        for url in ("127.0.0.1:8470", "https://127.0.0.1:8470", "http://", "http:///", "http://127.0.0.1:0", "http://127.0.0.1:99999",
                    "http://me@127.0.0.1:8470", "http://127.0.0.1:8470/api", "http://[::1", "\x1b[31m", ""):
            self.assertEqual(2, code("--api", url, "status"), url)
        self.assertEqual(2, code("--token-file", token, "status"), "a token for nobody")
        self.assertEqual(2, code("--api", api, "--token-file", gateway.path("nowhere"), "status"))
        for text in ("", "two words", "line\nX-Role: administrator\n"):
            with open(token, "w", encoding="ascii") as file:
                file.write(text)
            self.assertEqual(2, code("--api", api, "--token-file", token, "status"), text)
        self.assertEqual(1, code("calls", "--since", "999999999999h"))
        gateway.write_text(gateway.changed(lambda config: config["channels"][0].update(agency="nowhere")))
        run = gateway.ctl("reload", check=False)
        self.assertEqual(78, run.returncode)
        self.assertRegex(run.stderr, r"(?m)^\S+gateway\.yaml:\d+:\d+: channels\[0\]\.agency: ")
        run = gateway.ctl("--json", "reload", check=False)
        self.assertEqual((78, 422), (run.returncode, json.loads(run.stdout)["status"]))

    # Ends

    def test_without_a_daemon_it_is_69_and_with_one_a_sigterm_is_the_end(self):
        gateway = self.two_agencies()
        talker = self.talk(gateway)
        code, seconds = gateway.stop()
        self.assertEqual(0, code, gateway.said())
        self.assertLess(seconds, 3)
        end(talker)
        for command in (["status"], ["bridge", "open", "joint"], ["reload"], ["log", "tail"]):
            run = gateway.ctl(*command, check=False)
            self.assertEqual(69, run.returncode, command)
            self.assertEqual(1, run.stderr.count("\n"), run.stderr)
        self.assertEqual(69, gateway.ctl("--api", "http://127.0.0.1:1", "status", check=False).returncode)
        self.assertEqual(2, gateway.ctl("statsu", check=False).returncode)
        self.assertEqual(2, gateway.ctl(check=False).returncode)
        code, text = gateway.verify()
        self.assertEqual(0, code, text)
        self.assertIn("; 0 not signed yet", text, "a clean end signs all that is there")


if __name__ == "__main__":
    main()
