#!/usr/bin/env python3
"""Dual floor through the whole daemon: a dispatcher overrides a guard, and everybody else hears both."""
import signal
import subprocess
import time

from capture import capture
from gateway import PLAIN, GatewayTest, bridge, channel, end, ended, endpoint, main

DUAL = 0x0200  # TS 24.380, Floor Indicator
TAKEN, IDLE = 2, 5
LOW, HIGH = 600, 1500  # Hz


class Dual(GatewayTest):
    def tone(self, gateway, name, hertz, seconds):
        path = gateway.path(name + ".wav")
        subprocess.run(["sox", "-n", "-r", "16000", "-c", "1", "-b", "16", path, "synth", str(seconds), "sine", str(hertz),
                        "gain", "-12"], check=True)
        return path

    def level(self, path, hertz, start, seconds):
        """dBFS of what is in a narrow band around a tone."""
        run = subprocess.run(["sox", path, "-n", "trim", str(start), str(seconds), "sinc", f"{hertz - 80}-{hertz + 80}", "stats"],
                             capture_output=True, text=True, check=True)
        row = next(line for line in run.stderr.splitlines() if line.startswith("RMS lev dB"))
        return float(row.split()[-1].replace("-inf", "-200"))

    def test_the_holder_goes_on_beside_who_overrides_him(self):
        floor = {"lease": "1s", "hang": "0s", "override": "both_heard"}
        gateway = self.gateway(
            channel("ng-ops", "northgate",
                    endpoint("guard", "pcmu", talker={"id": "ng-7", "priority": 3}),
                    endpoint("chief", "opus", talker={"id": "ng-chief", "role": "supervisor", "priority": 9}),
                    endpoint("post", "pcmu"),
                    endpoint("handset", "pcmu", PLAIN, ptt={"signal": "mcptt"}), floor=floor),
            channel("pd-tac", "metro-pd", endpoint("officer", "opus"), floor=floor),
            bridges=[bridge("joint", "ng-ops", "pd-tac", preemption=[{"role": "supervisor"}])])
        low, high = self.tone(gateway, "low", LOW, 12), self.tone(gateway, "high", HIGH, 4)
        writer = capture(self, gateway, ["handset"])
        heard = {name: gateway.path(f"heard-{name}.wav") for name in ("post", "officer", "guard", "chief")}
        listeners = {name: gateway.radio(name, "--write", heard[name], "--for", "25s") for name in ("post", "officer")}
        handset = gateway.radio("handset", "--ptt", "mcptt", "--for", "25s")
        time.sleep(1)
        guard = gateway.radio("guard", "--talk", low, "--for", "16s", "--write", heard["guard"])
        gateway.wait_for(lambda: gateway.item("floor", "ng-ops")["talker"] == "ng-7", 10, "the guard to have the floor")
        time.sleep(3)
        chief = gateway.radio("chief", "--talk", high, "--for", "9s", "--write", heard["chief"])
        gateway.wait_for(lambda: gateway.item("floor", "ng-ops").get("beside"), 10, "the chief to override him")
        item = gateway.item("floor", "ng-ops")
        self.assertEqual(("ng-7", "taken", "ng-chief", "chief"),
                         (item["talker"], item["state"], item["beside"]["talker"], item["beside"]["endpoint"]))
        self.assertGreater(item["beside"]["remaining_ms"], 20000)
        table = gateway.ctl("floor").stdout
        self.assertIn("BESIDE", table)
        self.assertIn("ng-chief", table)
        sent = {"chief": ended(chief)["sent"]["packets"], "guard": ended(guard)["sent"]["packets"]}
        for radio in (*listeners.values(), handset):
            end(radio)
        writer.send_signal(signal.SIGINT)
        writer.wait(timeout=20)

        self.check_record(gateway, sent)
        for name in ("post", "officer"):
            self.check_sound(heard[name])
        # Each of the two hears the other one, and not himself.
        self.assertGreater(self.level(heard["chief"], LOW, 1, 2), -30)
        self.assertLess(self.level(heard["chief"], HIGH, 1, 2), -60)
        self.check_wire(gateway)

    def check_record(self, gateway, sent):
        spurts = {t["talker"]: t for t in gateway.talkspurts()}
        self.assertEqual(sent["guard"], spurts["ng-7"]["packets_received"], "nobody cut the guard off")
        self.assertEqual(sent["chief"], spurts["ng-chief"]["packets_received"])
        self.assertEqual({"post", "officer", "handset", "chief"}, set(spurts["ng-7"]["listeners"]))
        self.assertEqual({"post", "officer", "handset", "guard"}, set(spurts["ng-chief"]["listeners"]))
        self.assertEqual([], gateway.records("floor.revoked"))
        granted = {r["actor"]["principal"] if "principal" in r["actor"] else r["object"]["id"]: r
                   for r in gateway.records("floor.granted")}
        self.assertEqual([True], [r["detail"]["beside"] for r in granted.values() if "beside" in r["detail"]])

    def check_sound(self, path):
        """Low alone, both, low alone: in steps of half a second."""
        length = float(subprocess.run(["soxi", "-D", path], capture_output=True, text=True, check=True).stdout)
        lows, highs = [], []
        at = 0.0
        while at + 0.5 <= length:
            lows.append(self.level(path, LOW, at, 0.5) > -35)
            highs.append(self.level(path, HIGH, at, 0.5) > -35)
            at += 0.5
        both = [low and high for low, high in zip(lows, highs)]
        self.assertGreaterEqual(sum(both), 6, f"{path}: {lows} {highs}")
        self.assertGreaterEqual(sum(lows), 22, f"{path}: {lows}")
        first = lows.index(True)
        self.assertTrue(all(lows[first + 1:first + 21]), f"{path}: the guard is heard all the time: {lows}")

    def check_wire(self, gateway):
        """What the handset is told, as tshark reads it."""
        run = subprocess.run(["tshark", "-r", gateway.path("wire.pcapng"), "-d", f"udp.port=={gateway.listens['handset']},rtp",
                              "-o", "rtp.heuristic_rtp:TRUE", "-Y",
                              f"rtcp.app.name == \"MCPT\" && udp.srcport == {gateway.listens['handset']}", "-T", "fields",
                              "-E", "occurrence=a", "-e", "rtcp.app.subtype", "-e", "rtcp.app_data.mcptt.floor_ind",
                              "-e", "rtcp.mcptt.granted_partys_id", "-e", "rtcp.mcptt.unknown_fld", "-e", "_ws.malformed"],
                             capture_output=True, text=True, check=True, timeout=60)
        told = [line.split("\t") for line in run.stdout.splitlines()]
        self.assertTrue(told)
        self.assertEqual([], [line for line in told if line[3] or line[4]], "tshark finds fault")
        dual = [(int(line[0]) & 15, line[2]) for line in told if int(line[1], 0) & DUAL]
        self.assertEqual((TAKEN, "sip:ng-chief@test-gw"), dual[0])
        self.assertIn((IDLE, ""), dual, "nobody beside him any more")
        after = [(int(line[0]) & 15, line[2]) for line in told]
        last_taken = [line for line in after if line[0] == TAKEN][-1]
        self.assertEqual("sip:ng-7@test-gw", last_taken[1], "and who still has the floor")
        self.assertEqual(IDLE, after[-1][0])


if __name__ == "__main__":
    main()
