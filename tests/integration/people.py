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


class People:
    """For a GatewayTest."""


