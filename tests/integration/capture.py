"""What passes the gateway's ports, as tshark writes it down."""
import os
import subprocess
import time


def capture(test, gateway, names):
    """tshark, writing what passes the ports of these endpoints into wire.pcapng; begins when it is ready."""
    ports = " or ".join(f"udp port {gateway.listens[name]}" for name in names)
    errors = open(gateway.path("tshark.err"), "w+", encoding="utf-8")
    test.addCleanup(errors.close)
    process = subprocess.Popen(["tshark", "-i", "lo", "-f", ports, "-w", gateway.path("wire.pcapng"), "-q"],
                               stdout=subprocess.DEVNULL, stderr=errors)
    test.addCleanup(process.wait)
    test.addCleanup(process.kill)

    def capturing():
        errors.seek(0)
        return "Capturing on" in errors.read() and os.path.exists(gateway.path("wire.pcapng"))
    gateway.wait_for(capturing, 40, "tshark to begin")
    time.sleep(1)
    return process
