"""Describes one piece of work, and writes it down twice: as the configuration of crosspatchd, and as the work file that
the bare gateway and the load generator read (work.hpp)."""
import base64
import json
import os
import random

GCM256, GCM128, CM80 = "AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80"
SUITES = {GCM256: 44, GCM128: 28, CM80: 30}  # octets of master key and salt
PAYLOAD_TYPES = {"pcmu": 0, "gsm": 3, "pcma": 8, "g722": 9, "opus": 111}
PACKETS_A_SECOND = 50
OPUS = {"name": "opus", "rate": 16000, "bitrate": 24000}
OPUS_8K = {"name": "opus", "rate": 8000, "bitrate": 24000}  # what a G.711 talker is worth

# Between the talkspurts of one talker: the floor is free again half a second after his last packet.
FLOOR = {"lease": "500ms", "hang": "0s", "max_talk": "1h"}
FLOOR_SETTLES = 0.8


class Work:
    """Channels with endpoints, who talks when, and under which addresses and keys; all of it the same for one seed."""

    def __init__(self, seed=1):
        self.random = random.Random(seed)
        self.channels, self.bridges, self.spurts, self.own = [], [], [], {}
        self.host = f"127.{random.randrange(2, 250)}.{random.randrange(250)}.1"  # two runs do not meet
        self.next_port = 10000

    # What there is

    def address(self):
        """A new one. Two in a row differ, as the RTCP of some programs needs."""
        self.next_port += 2
        if self.next_port > 30000:
            host = self.host.rsplit(".", 1)
            self.host, self.next_port = f"{host[0]}.{int(host[1]) + 1}", 10000
        return f"{self.host}:{self.next_port}"

    def channel(self, name, agency="northgate"):
        self.channels.append({"id": name, "name": f"Channel {name}", "agency": agency, "floor": FLOOR,
                              "outbound": [{"id": "out", "action": "allow", "when": {"kind": "voice"}}],
                              "inbound": [{"id": "in", "action": "allow", "when": {"kind": "voice"}}],
                              "endpoints": []})
        return name

    def endpoint(self, channel, codec, suite=GCM256, direction="both", remote=None, **more):
        """An endpoint of the newest or of the named channel; its name."""
        place = next(c for c in reversed(self.channels) if c["id"] == channel)["endpoints"]
        name = f"{channel}-{len(place)}"
        keys = [base64.b64encode(self.random.randbytes(SUITES[suite])).decode() for _ in range(2)]
        place.append({"id": name, "type": "rtp", "remote": remote or self.address(), "codec": codec, "direction": direction,
                      "srtp": {"suite": suite, "receive": keys[0], "send": keys[1]}, **more})
        return name

    def party(self, name, talker, listener, count, suite=GCM256, **more):
        """A channel of one talker and `count` listeners; the talker's name."""
        self.channel(name)
        talks = self.endpoint(name, talker, suite, "talk")
        for _ in range(count):
            self.endpoint(name, listener, suite, "listen", **more)
        return talks

    def bridge(self, name, near, far, opens="always"):
        self.bridges.append({"id": name, "channels": [near, far], "opens": opens, "standing_consent": ["northgate", "metro-pd"]})

    def talk(self, endpoint, seconds, start=0.0):
        self.spurts.append((endpoint, int(start * 1000), int(seconds * PACKETS_A_SECOND)))

    # On paper

    def config(self, gateway, data_dir, **media):
        """As crosspatchd reads it: everything on, the media port at `gateway`."""
        return {"gateway": {"id": "bench", "data_dir": data_dir, "media": {"listen": gateway, **media},
                            "api": {"listen": "127.0.0.1:0"}},
                "agencies": [{"id": "northgate", "name": "Northgate Security", "kind": "private_security", "key": "gateway"},
                             {"id": "metro-pd", "name": "Metro Police", "kind": "police", "key": "gateway"}],
                "channels": self.channels, "bridges": self.bridges}

    def write_config(self, path, *arguments, **more):
        # JSON is YAML too. The keys stand in the file, so nobody else may read it.
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            json.dump(self.config(*arguments, **more), file, indent=1)

    def write_work(self, path, gateway, only=None):
        """As the load generator reads it. `only`: names of channels; the others have nobody."""
        with open(path, "w", encoding="ascii") as file:
            print("gateway", gateway, file=file)
            for channel in self.channels:
                if only is None or channel["id"] in only:
                    for one in channel["endpoints"]:
                        print("endpoint", self.line(channel["id"], one), file=file)
            for bridge in self.bridges:
                if bridge["opens"] == "always":
                    near, far = bridge["channels"]
                    print(f"hears {near} {far}\nhears {far} {near}", file=file)
            for talker, start, packets in sorted(self.spurts, key=lambda spurt: spurt[1]):
                print("spurt", talker, start, packets, file=file)

    @staticmethod
    def line(channel, one):
        codec, srtp = one["codec"], one["srtp"]
        name = codec if isinstance(codec, str) else codec["name"]
        if isinstance(codec, dict):
            codec = f"{name}:{codec['rate']}:{codec['bitrate']}"
        payload_type = one.get("payload_type", PAYLOAD_TYPES[name])
        return " ".join([one["id"], channel, codec, str(payload_type), srtp["suite"], one["remote"], srtp["receive"],
                         srtp["send"]])
