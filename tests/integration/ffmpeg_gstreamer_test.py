#!/usr/bin/env python3
"""Programs of others as radios: ffmpeg and GStreamer talk to each other through the gateway, each under its own suite."""
import base64
import os
import signal
import socket
import subprocess
import time

from gateway import CM80, GCM128, GCM256, GatewayTest, bridge, channel, end, ended, endpoint, main

WORDS = {"ffmpeg": "Control, two people are climbing the north fence. Send the police to gate seven now.",
         "gstreamer": "Northgate seven, we hear you. A car is at your gate in three minutes, keep it clear."}


class ForeignPrograms(GatewayTest):
    def house(self, near, far):
        gateway = self.gateway(channel("ng-ops", "northgate", near), channel("pd-tac", "metro-pd", far),
                               bridges=[bridge("joint", "ng-ops", "pd-tac")])
        self.running = []
        self.addCleanup(self.end_programs)
        return gateway

    def end_programs(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()

    def run_program(self, gateway, name, *command):
        with open(gateway.path(name + ".out"), "w", encoding="utf-8") as out:
            process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.running.append(process)
        return process

    @staticmethod
    def output(gateway, name):
        with open(gateway.path(name + ".out"), encoding="utf-8", errors="replace") as out:
            return out.read()

    def words(self, gateway, who):
        """Speech with a little silence before and after it."""
        path = gateway.bench.speech(who, WORDS[who])
        padded = gateway.path(who + "-says.wav")
        subprocess.run(["sox", path, padded, "pad", "0.2", "0.4"], check=True)
        return padded

    @staticmethod
    def key(gateway, name, way):
        with open(gateway.keys[name][way], encoding="ascii") as file:
            return file.read().strip()

    def ffmpeg_talks(self, gateway, name, wav, *codec):
        port, own = gateway.listens[name], gateway.remotes[name]
        process = self.run_program(
            gateway, "ffmpeg-talks", "ffmpeg", "-hide_banner", "-re", "-i", wav, *codec, "-f", "rtp", "-srtp_out_suite", CM80,
            "-srtp_out_params", self.key(gateway, name, "receive"),
            f"srtp://127.0.0.1:{port}?rtcpport={port + 1}&localrtpport={own}&localrtcpport={own + 1}")
        self.assertEqual(0, process.wait(timeout=40), self.output(gateway, "ffmpeg-talks"))

    def ffmpeg_hears(self, gateway, name, rtpmap, says):
        """Ends by itself a little before the words' closing silence does: a signal would leave it waiting for a packet."""
        length = float(subprocess.run(["soxi", "-D", says], capture_output=True, text=True, check=True).stdout) - 0.2
        port, wav = gateway.remotes[name], gateway.path("ffmpeg-hears.wav")
        with open(gateway.path("listen.sdp"), "w", encoding="ascii") as sdp:
            sdp.write(f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/SAVP {rtpmap}\n"
                      f"a=crypto:1 {CM80} inline:{self.key(gateway, name, 'send')}\n")
        return wav, self.run_program(gateway, "ffmpeg-hears", "ffmpeg", "-hide_banner", "-y", "-protocol_whitelist",
                                     "file,rtp,srtp,udp,crypto", "-i", gateway.path("listen.sdp"), "-ac", "1", "-t",
                                     f"{length:.2f}", wav)

    def gstreamer_talks(self, gateway, name, cipher, wav, *payload):
        port, own = gateway.listens[name], gateway.remotes[name]
        secret = base64.b64decode(self.key(gateway, name, "receive")).hex()
        process = self.run_program(
            gateway, "gstreamer-talks", "gst-launch-1.0", "-q", "filesrc", f"location={wav}", "!", "wavparse", "!", "audioconvert",
            "!", "audioresample", "!", *payload, "!", "srtpenc", f"key={secret}", f"rtp-cipher={cipher}", "rtp-auth=null",
            f"rtcp-cipher={cipher}", "rtcp-auth=null", "!", "udpsink", "host=127.0.0.1", f"port={port}", f"bind-port={own}",
            "bind-address=127.0.0.1")
        self.assertEqual(0, process.wait(timeout=40), self.output(gateway, "gstreamer-talks"))

    def gstreamer_hears(self, gateway, name, cipher):
        port, wav = gateway.remotes[name], gateway.path("gstreamer-hears.wav")
        secret = base64.b64decode(self.key(gateway, name, "send")).hex()
        caps = ("application/x-srtp,media=(string)audio,clock-rate=(int)8000,encoding-name=(string)PCMU,payload=(int)0,"
                f"ssrc=(uint){self.ssrc_towards(port)},srtp-key=(buffer){secret},srtp-cipher=(string){cipher},"
                f"srtp-auth=(string)null,srtcp-cipher=(string){cipher},srtcp-auth=(string)null")
        return wav, self.run_program(
            gateway, "gstreamer-hears", "gst-launch-1.0", "udpsrc", "address=127.0.0.1", f"port={port}", f"caps={caps}", "!",
            "srtpdec", "name=open", "open.rtp_src", "!", "rtpjitterbuffer", "latency=100", "!", "rtppcmudepay", "!", "mulawdec",
            "!", "wavenc", "!", "filesink", f"location={wav}", "open.rtcp_src", "!", "fakesink", "async=false", "sync=false")

    @staticmethod
    def ssrc_towards(port):
        """srtpdec wants to be told: it stands in the clear in the gateway's report, which comes within five seconds."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", port))
            sock.settimeout(8)
            return int.from_bytes(sock.recv(2048)[4:8], "big")

    def ends_with_file(self, gateway, name, process, wav):
        process.wait(timeout=15)
        self.assertGreater(os.path.getsize(wav), 8000, self.output(gateway, name))

    def wait_until_it_listens(self, port):
        """A listener that is not there yet would miss the first words."""
        wanted = f":{port:04X} "
        until = time.monotonic() + 15
        while time.monotonic() < until:
            with open("/proc/net/udp", encoding="ascii") as file:
                if any(wanted in line.split(":", 1)[1] for line in file.readlines()[1:]):
                    return time.sleep(0.3)
            time.sleep(0.05)
        self.fail(f"nobody listens on port {port}")

    def heard_well(self, gateway, talker, said, heard, codec_delay_ms):
        """The file begins with the first packet that is heard, so what is later than that is the codecs' own delay."""
        alike = self.assert_heard(gateway, said, heard)
        print(f"{talker}: waveform {alike['waveform']}, delay of the codecs {alike['waveform_lag_ms']} ms")
        self.assertLessEqual(abs(alike["waveform_lag_ms"]), codec_delay_ms)
        time.sleep(1.5)  # the lease
        spoken = [t for t in gateway.talkspurts() if t["packets_received"] > 50]
        self.assertEqual(1, len(spoken), spoken)
        self.assertEqual(0, spoken[0]["packets_lost"], spoken)

    def test_ffmpeg_talks_opus_and_gstreamer_hears_g711(self):
        for suite, cipher in ((GCM256, "aes-256-gcm"), (GCM128, "aes-128-gcm")):
            with self.subTest(suite=suite):
                gateway = self.house(endpoint("ffmpeg", "opus", CM80, rtcp="next_port"), endpoint("gst", "pcmu", suite))
                says = self.words(gateway, "ffmpeg")
                wav, listener = self.gstreamer_hears(gateway, "gst", cipher)
                self.wait_until_it_listens(gateway.remotes["gst"])
                self.ffmpeg_talks(gateway, "ffmpeg", says, "-c:a", "libopus", "-b:a", "32k", "-ar", "48000", "-payload_type", "111")
                time.sleep(0.5)
                listener.send_signal(signal.SIGINT)
                self.ends_with_file(gateway, "gstreamer-hears", listener, wav)
                self.heard_well(gateway, "ffmpeg Opus to G.711", says, wav, 60)
                self.assertEqual({}, gateway.drops("ffmpeg"))

    def test_gstreamer_talks_opus_and_ffmpeg_hears_g711(self):
        gateway = self.house(endpoint("gst", "opus", GCM256), endpoint("ffmpeg", "pcmu", CM80, rtcp="next_port"))
        says = self.words(gateway, "gstreamer")
        wav, listener = self.ffmpeg_hears(gateway, "ffmpeg", "0", says)
        self.wait_until_it_listens(gateway.remotes["ffmpeg"])
        self.gstreamer_talks(gateway, "gst", "aes-256-gcm", says, "audio/x-raw,rate=48000,channels=1", "!", "opusenc",
                             "bitrate=32000", "audio-type=voice", "!", "rtpopuspay", "pt=111")
        time.sleep(0.5)
        self.ends_with_file(gateway, "ffmpeg-hears", listener, wav)
        self.heard_well(gateway, "GStreamer Opus to G.711", says, wav, 60)
        self.assertEqual({}, gateway.drops("gst"))

    def test_ffmpeg_talks_g711_in_packets_of_odd_length_and_opus_is_heard(self):
        gateway = self.house(endpoint("ffmpeg", "pcmu", CM80, rtcp="next_port"), endpoint("guard", {"name": "opus", "rate": 16000, "bitrate": 32000}, GCM256))
        says = self.words(gateway, "ffmpeg")
        wav = gateway.path("guard-hears.wav")
        radio = gateway.radio("guard", "--write", wav, "--for", "10s")
        self.wait_until_it_listens(gateway.remotes["guard"])
        # In blocks of 170 samples: 21.25 ms a packet, which no packet of the listener's 20 ms lines up with.
        self.ffmpeg_talks(gateway, "ffmpeg", says, "-af", "aresample=8000,asetnsamples=170", "-c:a", "pcm_mulaw", "-ar", "8000")
        heard = ended(radio, 30)["heard"]
        # What does not fill the listener's last packet comes right after the rest, not when the talker's lease ends.
        self.assertEqual(1, heard["talkspurts"], heard)
        # Opus at this rate keeps 0.97 of G.711's waveform, and 0.94 after libopus has turned the phases on the way up to
        # 16 kHz. What is below that was late: ffmpeg sends in bursts of 90 ms.
        alike = self.assert_heard(gateway, says, wav)
        print(f"ffmpeg G.711 to Opus: waveform {alike['waveform']}")
        self.assertGreater(alike["envelope"], 0.95)
        [spoken] = gateway.talkspurts()
        self.assertEqual((0, 0), (spoken["packets_lost"], spoken["frames_concealed"]), spoken)

    def test_ffmpeg_that_is_denied_is_not_heard_and_the_record_says_why(self):
        gateway = self.gateway(channel("ng-ops", "northgate", endpoint("guard"), endpoint("ear", "pcmu", CM80),
                                       endpoint("ffmpeg", "opus", CM80, rtcp="next_port",
                                                talker={"id": "camera-7", "role": "guard", "priority": 3})))
        self.running = []
        self.addCleanup(self.end_programs)
        says = self.words(gateway, "ffmpeg")
        listener = gateway.radio("ear", "--listen-only")
        guard = gateway.radio("guard", "--talk", self.words(gateway, "gstreamer"), "--repeat", "20", "--gap", "1ms")
        gateway.wait_for(lambda: gateway.item("floor", "ng-ops")["endpoint"] == "guard", 10, "the guard to talk")
        self.ffmpeg_talks(gateway, "ffmpeg", says, "-c:a", "libopus", "-b:a", "32k", "-ar", "48000", "-payload_type", "111")
        said, heard = end(guard)["sent"]["packets"], end(listener)["received"]
        self.assertEqual((said, 0, 1), (heard["packets"], heard["lost"], heard["streams"]), "only the guard was heard")
        self.assertGreater(gateway.drops("ffmpeg").get("no_floor", 0), 100, "all that ffmpeg said was dropped, and counted")
        [denied] = gateway.recorded("floor.denied")
        self.assertEqual(("ffmpeg", "guard"), (denied["source"]["device"], denied["detail"]["by"]))
        gateway.wait_for(lambda: len(gateway.talkspurts()) == 2, 20, "both to be on record")
        [press] = [t for t in gateway.talkspurts() if t["endpoint"] == "ffmpeg"]
        self.assertEqual((True, [], 0), (press["denied"], press["listeners"], press["packets_received"]))
        why = gateway.ctl("why", press["id"]).stdout
        self.assertIn("camera-7 on ng-ops", why)
        self.assertIn("it was not granted: someone else is talking", why)
        self.assertIn("not heard on ng-ops: guard had the floor with priority 3; this press claimed priority 3, and only a higher "
                      "claim takes the floor; who asks by talking is not queued", why)


if __name__ == "__main__":
    main()
