"""Prints a file by an OctoPrint server of its own, over its REST API: stream-octoprint.py GCODE PORT

Server, configuration and uploads live in a temporary folder. Counted is the server's process, from the command to print
until it says that it is done. It is as installed, but for what would ask or tell somebody on the internet and for the
analysis of files, which is another process and would take the core from it.
"""

import ctypes
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import measured

START_SECONDS = 60
PRINT_SECONDS = 150
# Each costs the server some milliseconds.
POLL_SECONDS = 0.5
SPEED = 115200  # that of the simulated wire is its own

ONLINE_PLUGINS = ["announcements", "discovery", "errortracking", "health_check", "pluginmanager", "softwareupdate",
                  "tracking"]


class Server:
    """OctoPrint's process and its API."""

    def __init__(self, folder, gcode, port):
        self.key = secrets.token_hex(16)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.number = free.getsockname()[1]
        configuration = {
            "accessControl": {"salt": secrets.token_hex(16)},
            "api": {"key": self.key},
            "gcodeAnalysis": {"runAt": "never"},
            "plugins": {"_disabled": ONLINE_PLUGINS},
            "serial": {"additionalPorts": [port], "additionalBaudrates": [SPEED]},
            "server": {
                "firstRun": False,
                "onlineCheck": {"enabled": False},
                "pythonEolCheck": {"enabled": False},
                "ipCheck": {"enabled": False},
            },
        }
        with open(f"{folder}/config.yaml", "w", encoding="utf-8") as file:
            json.dump(configuration, file)  # which is YAML, too
        os.mkdir(f"{folder}/uploads")
        shutil.copy(gcode, f"{folder}/uploads/bench.gcode")
        self.log = f"{folder}/output"
        program = os.path.join(os.path.dirname(sys.executable), "octoprint")
        with open(self.log, "wb") as log:
            # As root it must be told that this is meant.
            self.process = subprocess.Popen(
                [program, "serve", "--iknowwhatimdoing", "--basedir", folder, "--host", "127.0.0.1",
                 "--port", str(self.number)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=end_with_parent)

    def call(self, path, body=None):
        """GET, or POST where there is a body. None while nobody listens or it is not ready."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.number}/api/{path}", headers={"X-Api-Key": self.key},
            data=None if body is None else json.dumps(body).encode())
        if body is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            if error.code == 503:
                return None
            sys.exit(f"stream-octoprint: {path}: {error.code} {error.read()[:300]!r}")
        except OSError:
            return None

    def wait(self, what, seconds, path, condition):
        """Polls until `condition` holds for the answer."""
        deadline = time.monotonic() + seconds
        answer = None
        while time.monotonic() < deadline and self.process.poll() is None:
            answer = self.call(path)
            if answer is not None and condition(answer):
                return
            time.sleep(POLL_SECONDS)
        with open(self.log, encoding="utf-8", errors="replace") as log:
            sys.exit(f"stream-octoprint: {what}: {answer}\n{log.read()[-2000:]}")

    def end(self):
        """Asks it to, then makes it."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def end_with_parent():
    """In the server's process: no server is left behind when this script is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def is_done(job):
    """Whether the answer to `job` tells of a print that is through; a failed one ends the wait."""
    if job["state"].startswith(("Offline", "Error", "Cancelling")):
        sys.exit(f"stream-octoprint: {job}")
    return job["state"] == "Operational" and job["progress"]["completion"] == 100


def main(gcode, port):
    lines = measured.commands(gcode)
    with tempfile.TemporaryDirectory(prefix="gantry-bench-octoprint-") as folder:
        server = Server(folder, gcode, port)
        try:
            server.wait("no server", START_SECONDS, "version", lambda answer: True)
            server.call("connection", {"command": "connect", "port": port, "baudrate": SPEED, "save": False})
            server.wait("no printer", START_SECONDS, "connection",
                        lambda answer: answer["current"]["state"] == "Operational")
            before = measured.cpu_ns_of(server.process.pid)
            server.call("files/local/bench.gcode", {"command": "select", "print": True})
            server.wait("not printed", PRINT_SECONDS, "job", is_done)
            cpu = measured.cpu_ns_of(server.process.pid) - before
            resident = measured.peak_resident_bytes(server.process.pid)
        finally:
            server.end()
    measured.tell(lines, cpu, resident)


main(*sys.argv[1:])
