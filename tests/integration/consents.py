"""Consents as somebody else signs them: canonical JSON by Python, Ed25519 by openssl, people on the control socket."""
import base64
import datetime
import http.client
import json
import os
import secrets
import subprocess

from people import socket_as

PKCS8 = bytes.fromhex("302e020100300506032b657004220420")  # RFC 8410, before the 32 octets of the seed


def canonical(statement):
    """RFC 8785 of what has only texts and small whole numbers in it."""
    return json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class Key:
    """An agency's key pair that no crosspatch program has made."""

    def __init__(self, folder, name):
        self.seed = secrets.token_bytes(32)
        self.der = os.path.join(folder, name + ".der")
        with open(self.der, "wb") as file:
            file.write(PKCS8 + self.seed)
        run = subprocess.run(["openssl", "pkey", "-inform", "DER", "-in", self.der, "-pubout", "-outform", "DER"],
                             check=True, capture_output=True)
        self.public = "ed25519:" + base64.b64encode(run.stdout[-32:]).decode()
        self.file = os.path.join(folder, name + ".key")  # as `key generate` writes it
        with open(os.open(self.file, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(base64.b64encode(self.seed).decode() + "\n")

    def sign(self, statement):
        """{statement, signature}, as the API takes it."""
        said, signature = self.der + ".said", self.der + ".signature"
        with open(said, "wb") as file:
            file.write(b"crosspatch-consent-v1\n" + canonical(statement).encode())
        subprocess.run(["openssl", "pkeyutl", "-sign", "-keyform", "DER", "-inkey", self.der, "-rawin", "-in", said, "-out", signature],
                       check=True, capture_output=True)
        with open(signature, "rb") as file:
            return {"statement": statement, "signature": base64.b64encode(file.read()).decode()}


def time_text(seconds_from_now):
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds_from_now)
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def statement(terms, agency, **more):
    """A yes to what `bridge terms` says, for an hour, with an id of its own."""
    return {"v": 1, "id": secrets.token_hex(16), "gateway": terms["gateway"], "bridge": terms["bridge"], "agency": agency,
            "not_before": time_text(-1), "expires": time_text(3600), "agreement": terms["agreement"], "terms": terms["terms"], **more}


class Person(http.client.HTTPConnection):
    """A connection to the control socket that the kernel says is this person's; only root can make one."""

    def __init__(self, gateway, name):
        super().__init__("localhost", timeout=30)
        self.sock = socket_as(gateway, name)

    def ask(self, method, path, body=None):
        """Status and body of one request."""
        self.request(method, "/api/v1/" + path, body=None if body is None else json.dumps(body),
                     headers={"Content-Type": "application/json"})
        answer = self.getresponse()
        return answer.status, json.loads(answer.read())
