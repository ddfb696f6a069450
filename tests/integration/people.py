"""Somebody else on the control socket: root becomes them, the kernel says so."""
import http.client
import json
import os
import pwd
import socket
import threading
import time


def let_in(gateway, **people):
    """Before the start: NAME=(agency, role) are operators."""
    gateway.config["gateway"]["operators"] = [
        {"unix": name, "agency": agency, "role": role} for name, (agency, role) in people.items()]
    gateway.write()


def open_socket(gateway):
    """After the start: whoever is an operator reaches the socket."""
    os.chmod(gateway.home, 0o711)
    os.chmod(gateway.data, 0o711)
    os.chmod(gateway.data + "/control.sock", 0o666)


def socket_as(gateway, name):
    """A socket to the daemon that the kernel says is this person's; only root can make one."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setuid(pwd.getpwnam(name).pw_uid)
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(gateway.data + "/control.sock")
                socket.send_fds(theirs, [b"x"], [sock.fileno()])
        finally:
            os._exit(0)
    theirs.close()
    with mine:
        [fd] = socket.recv_fds(mine, 1, 1)[1]
    os.waitpid(child, 0)
    return socket.socket(fileno=fd)


class People:
    """For a GatewayTest."""

    def connect(self, gateway, name):
        """A connection to the control socket that the kernel says is this person's."""
        connection = http.client.HTTPConnection("localhost", timeout=20)
        connection.sock = socket_as(gateway, name)
        self.addCleanup(connection.close)
        return connection

    def ask_as(self, gateway, name, path, method="GET", connection=None, body=None):
        made, connection = not connection, connection or self.connect(gateway, name)
        connection.request(method, "/api/v1/" + path, body=json.dumps(body or {}).encode() if method == "POST" else None,
                           headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.status, json.loads(answer.read())
        if made:
            connection.close()  # the daemon takes so many at once
        return said

    def follow(self, gateway, name):
        """The events that this person gets, each as it comes; None at the end."""
        connection = self.connect(gateway, name)
        connection.sock.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
        stream = connection.sock.makefile("rb")
        self.assertIn(b" 101 ", stream.readline())
        while stream.readline().strip():
            pass
        got = []

        def read():
            while head := stream.read(2):
                size = head[1] if head[1] < 126 else int.from_bytes(stream.read(2), "big")
                text = stream.read(size)
                if head[0] & 15 == 8:
                    break
                if head[0] & 15 == 9:
                    connection.sock.sendall(b"\x8a\x80\0\0\0\0")
                if head[0] & 15 == 1:
                    got.append(json.loads(text))
            got.append(None)
        threading.Thread(target=read, daemon=True).start()
        time.sleep(0.5)  # until control knows of him
        return got
