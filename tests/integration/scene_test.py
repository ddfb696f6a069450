#!/usr/bin/env python3
"""An incident with five radios of five signallings on one bridge: asked, queued, denied, pre-empted, timed out, dead.

The log tells it, and a capture of the wire that tshark reads tells the same, line by line.
"""
import signal
import subprocess
import time
from datetime import datetime

from capture import capture
from gateway import PLAIN, GatewayTest, bridge, channel, end, ended, endpoint, main

FLOOR = {"max_talk": "5s", "warn": "1s", "grace": "1s", "cooldown": "1s", "hang": "0ms", "lease": "600ms", "queue": 8}
LEASE = 0.6
CLOSE = 0.15  # seconds between what the log and what the wire say; sanitizers' builds on busy machines need some
R2S = 123
REQUEST, GRANTED, REVOKE, QUEUE_POSITION = 0, 1, 6, 9  # TS 24.380 8.2.2
TOLD = ("floor.requested", "floor.queued", "floor.denied", "floor.granted", "floor.revoked", "floor.released", "floor.timeout")


class Packet:
    """One packet of the capture: who sent it or was sent it, and what it says."""
    FIELDS = ("frame.time_epoch", "udp.srcport", "udp.dstport", "rtp.p_type", "rtp.marker", "rtp.ext.ed137a.ptt_type",
              "rtp.ext.ed137a.pm", "rtpevent.event_id", "rtpevent.end_of_event", "rtcp.app.subtype", "rtcp.app.name",
              "rtcp.app_data.mcptt.rej_cause.floor_revoke", "rtcp.app_data.mcptt.queue_pos_inf")

    def __init__(self, line, ours):
        (at, source, target, kind, marker, ptt, muted, event, event_end, subtype, name, cause, position) = line.split("\t")
        self.at = float(at)
        self.sender, self.listener = ours.get(int(target)), ours.get(int(source))  # by the gateway's port for each
        self.marker = marker in ("1", "True")
        self.ptt = int(ptt) if ptt else None
        self.muted = muted in ("1", "True")
        self.event = event and event_end not in ("1", "True")
        self.event_end = event and not self.event
        self.voice = kind != "" and int(kind) != R2S and not event
        self.floor = int(subtype) & 15 if name == "MCPT" else None
        self.cause, self.position = cause, position


def text_time(record):
    return datetime.fromisoformat(record["time"][:26] + "+00:00").timestamp()


class Scene(GatewayTest):
    def town(self):
        emergency = {"id": "officer", "role": "officer", "may": ["emergency"]}
        return self.gateway(
            channel("ng-ops", "northgate", endpoint("post", "pcmu", PLAIN), endpoint("guard", "pcmu", PLAIN, ptt="event"),
                    endpoint("unit", "opus", PLAIN, ptt="mcptt"), floor=FLOOR),
            channel("pd-tac", "metro-pd", endpoint("station", "pcma", PLAIN, ptt="vox"),
                    endpoint("officer", "pcma", PLAIN, talker=emergency, ptt={"signal": "ed137", "role": "grs", "ptt_id": 5}),
                    floor=FLOOR),
            bridges=[bridge("joint", "ng-ops", "pd-tac", preemption=[{"emergency": True}], when_busy="wait")])

    def tshark(self, gateway, wanted, *fields):
        decode = [word for port in gateway.listens.values() for word in ("-d", f"udp.port=={port},rtp")]
        run = subprocess.run(["tshark", "-r", gateway.path("wire.pcapng"), *decode, "-d", "rtp.pt==101,rtpevent", "-Y", wanted,
                              "-T", "fields", "-E", "occurrence=f", *[word for field in fields for word in ("-e", field)]],
                             capture_output=True, text=True, check=True, timeout=120)
        return run.stdout.splitlines()

    def wire(self, gateway):
        self.assertEqual([], self.tshark(gateway, "_ws.malformed || rtcp.mcptt.unknown_fld || _ws.expert.severity >= 0x600000",
                                         "frame.number", "_ws.expert.message"), "tshark finds fault with packets")
        ours = {port: name for name, port in gateway.listens.items()}
        return [Packet(line, ours) for line in self.tshark(gateway, "rtp || rtcp", *Packet.FIELDS)]

    def play(self, gateway):
        """The incident; gives the radios that are left when it is over."""
        words = gateway.bench.speech("words", "Unit seven, fight at the north gate.")
        alert = gateway.bench.speech("alert", " ".join(["All units, shots fired at the station, take cover."] * 4))
        holder = lambda: gateway.item("floor", "pd-tac")["endpoint"]
        post = gateway.radio("post", "--talk", words, "--for", "30s")
        gateway.wait_for(lambda: holder() == "post", 10, "the post to talk")
        guard = gateway.radio("guard", "--ptt", "event", "--talk", words, "--for", "30s")
        unit = gateway.radio("unit", "--ptt", "mcptt", "--talk", alert, "--talk-after", "500ms", "--for", "30s")
        gateway.wait_for(lambda: holder() == "unit", 20, "the unit to have its turn")
        officer = gateway.radio("officer", "--ptt", "ed137:vcs", "--emergency", "--talk", alert, "--talk-after", "1500ms", "--for", "30s")
        gateway.wait_for(lambda: holder() == "officer", 20, "the officer to have the floor")
        gateway.wait_for(lambda: holder() is None, 20, "the officer's time to be over")
        time.sleep(6)  # he has let go of the key, which is no press any more
        station = gateway.radio("station", "--ptt", "vox", "--talk", alert, "--talk-after", "1s", "--for", "30s")
        gateway.wait_for(lambda: holder() == "station", 20, "the station to talk")
        time.sleep(1)
        station.kill()
        gateway.wait_for(lambda: holder() is None, 20, "the dead station's floor to be free")
        return [post, guard, unit, officer]

    def told_by_log(self, gateway):
        of = lambda record: record["object"]["id"] if record["object"]["kind"] == "endpoint" else record["actor"]["principal"]
        return [(text_time(record), record["type"], of(record)) for record in gateway.records() if record["type"] in TOLD]

    def told_by_wire(self, packets):
        """The same lines, made out of packets alone."""
        told = []
        sent = {name: [p for p in packets if p.sender == name] for name in ("post", "guard", "unit", "officer", "station")}
        # What a radio is sent begins with a marker; all radios but the talker hear the same talkspurts.
        begins = {}
        for name in sent:
            for packet in packets:
                if packet.listener == name and packet.voice and packet.marker:
                    begins.setdefault(name, []).append(packet.at)

        def heard_by(name, since, until):
            return [p for p in packets if p.listener == name and p.voice and since <= p.at <= until]

        # Media: the first packet is the press, silence is its end, and the lease goes by before anybody notices.
        voice = [p.at for p in sent["post"] if p.voice]
        told += [(voice[0], "floor.granted", "post"), (voice[-1] + LEASE, "floor.released", "post")]
        self.assertTrue(heard_by("officer", voice[0], voice[-1]))
        # A telephone event is the press; nothing of what comes with it is heard by anybody: denied.
        pressed = next(p.at for p in sent["guard"] if p.event)
        released = next(p.at for p in sent["guard"] if p.event_end)
        told += [(pressed, "floor.requested", "guard"), (pressed, "floor.denied", "guard")]
        self.assertTrue([p for p in sent["guard"] if p.voice and pressed < p.at < released])
        self.assertFalse([at for at in begins["station"] if pressed < at < min(released, voice[-1] + LEASE)])
        # Floor messages say it themselves; the first of each is what counts.
        floor = lambda kind, towards: [p for p in packets if p.floor == kind and (p.listener if towards else p.sender) == "unit"]
        queued, granted, revoked = floor(QUEUE_POSITION, True), floor(GRANTED, True), floor(REVOKE, True)
        told += [(floor(REQUEST, False)[0].at, "floor.requested", "unit"), (queued[0].at, "floor.queued", "unit"),
                 (granted[0].at, "floor.granted", "unit"), (revoked[0].at, "floor.revoked", "unit"),
                 (revoked[0].at, "floor.released", "unit")]
        self.assertEqual("4", revoked[0].cause)
        # ED-137: the key's type is the press, the ground station gives it back while it has the floor, and says when it is muted.
        keyed = [p.at for p in sent["officer"] if p.ptt == 4]
        echoed = [p.at for p in packets if p.listener == "officer" and p.ptt == 4]
        muted = [p.at for p in packets if p.listener == "officer" and p.muted]
        told += [(keyed[0], "floor.requested", "officer"), (echoed[0], "floor.granted", "officer"),
                 (keyed[0] + 5, "floor.revoked", "officer"), (muted[0], "floor.released", "officer")]
        self.assertLess(max(echoed), muted[0] + CLOSE)
        self.assertGreater(keyed[-1], muted[0], "he goes on for longer than he may")
        # VOX: the radio always sends; what is heard of it is what was speech. It dies: its last packet, and the lease.
        spoken = [at for at in begins["post"] if at > muted[0]]
        self.assertEqual(1, len(spoken))
        told += [(spoken[0], "floor.granted", "station"), (sent["station"][-1].at + LEASE, "floor.released", "station")]
        # Each talkspurt is one for who hears all of them, and there is no other.
        self.assertEqual(4, len(begins["guard"]), begins["guard"])
        return sorted(told)

    def test_the_log_tells_the_incident_and_the_wire_agrees(self):
        gateway = self.town()
        writer = capture(self, gateway, gateway.listens)
        for radio in self.play(gateway):
            end(radio)
        time.sleep(1)
        writer.send_signal(signal.SIGINT)
        writer.wait(timeout=20)
        log, wire = self.told_by_log(gateway), self.told_by_wire(self.wire(gateway))
        table = "\n".join(f"{at:.3f} {kind} {name}" for at, kind, name in log) + "\n-- wire\n" + "\n".join(
            f"{at:.3f} {kind} {name}" for at, kind, name in wire)
        print(table)
        self.assertEqual(sorted((kind, name) for _, kind, name in log), sorted((kind, name) for _, kind, name in wire), table)
        seen = {(kind, name): at for at, kind, name in wire}
        for at, kind, name in log:
            self.assertAlmostEqual(at, seen[kind, name], delta=CLOSE, msg=f"{kind} {name}\n{table}")


if __name__ == "__main__":
    main()
