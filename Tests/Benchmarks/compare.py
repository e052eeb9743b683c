"""Runs both sides of Tests/Benchmarks/connect in turn and prints the table."""

import argparse
import http.server
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

FOLDERS, FILES, NEW_FILES = 500, 10_000, 1_000


def make_stick(top):
    """500 folders, most of them two levels down, with 20 files each."""
    for number in range(FOLDERS):
        folder = f"{top}/group {number % 10}" + (f"/project {number}" if number >= 10 else "")
        os.makedirs(folder)
        for part in range(FILES // FOLDERS):
            write_file(f"{folder}/part_{part}_0.2mm_PLA_MK3S_1h{part}m.gcode")


def write_file(path):
    with open(path, "wb") as file:
        file.write(b"G28\n")


class Server:
    """A Connect server that is content with everything."""

    def __init__(self):
        server = self
        self.events = 0
        self.files = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path == "/p/events":
                    server.files = body.count(b'"type": "FILE"')
                    server.events += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


class Side:
    """A process that attaches the stick."""

    def __init__(self, command, stick, port):
        start = time.monotonic()
        self.process = subprocess.Popen(
            [*command, stick, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.read("ready")
        self.start = (time.monotonic() - start) * 1000

    def read(self, word):
        line = self.process.stdout.readline().split()
        if not line or line[0] != word:
            sys.exit(f"{self.process.args[0]}: {word} expected, got {line}")
        return line[-1]

    def ask(self, text, answer=None):
        self.process.stdin.write(text + "\n")
        return self.read(answer or text)

    def cpu(self):
        """Milliseconds of processor time so far, kernel included, of all threads, also those that have ended."""
        # clock_getcpuclockid(3) of the process.
        return time.clock_gettime_ns(~self.process.pid << 3 | 2) / 1e6

    def memory(self, kind="VmRSS"):
        """MiB; VmRSS with the pages of files, which others may share, RssAnon without."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(f"{kind}:")) / 1024

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def run_once(command, stick, server):
    """Figures by the names of ROWS: milliseconds on the clock and of processor time; MiB."""
    figures = {}
    side = Side(command, stick, server.port)
    cpu = side.cpu()
    figures["start"] = (side.start, cpu)

    def note(name, elapsed):
        nonlocal cpu
        before, cpu = cpu, side.cpu()
        figures[name] = (elapsed, cpu - before)

    note("attach", float(side.ask("attach")))
    note("info", float(side.ask("info")))
    new = f"{stick}/group 0"
    side.ask(f"watch {NEW_FILES}", "watching")
    # The kernel keeps the events meanwhile: how fast this script makes files is not what is measured.
    side.process.send_signal(signal.SIGSTOP)
    for number in range(NEW_FILES):
        write_file(f"{new}/new_{number}.gcode")
    cpu = side.cpu()
    start = time.monotonic_ns()
    side.process.send_signal(signal.SIGCONT)
    note("files", (int(side.read("seen")) - start) / 1e6)
    side.end()
    for name in os.listdir(new):
        # With the package's hidden caches.
        if "new_" in name:
            os.unlink(f"{new}/{name}")

    side = Side(command, stick, server.port)
    side.ask("attach")
    figures["attached"] = (side.memory(), None)
    before = server.events
    side.ask("connect", "connected")
    while server.events == before:
        time.sleep(0.01)
    if server.files != FILES:
        sys.exit(f"{command[0]}: told of {server.files} files instead of {FILES}")
    # Some telemetry later.
    time.sleep(2)
    figures["connected"] = (side.memory(), None)
    figures["own"] = (side.memory("RssAnon"), None)
    side.end()
    return figures


ROWS = [
    ("start", "Start of the process to a printer that is ready", "ms"),
    ("attach", f"Attach a stick of {FILES:,} files in {FOLDERS} folders", "ms"),
    ("info", "SEND_INFO for it, to the finished JSON", "ms"),
    ("files", f"{NEW_FILES:,} new files, from the first look at inotify to the last event", "ms"),
    ("attached", "Resident with the stick attached, before the first connection", "MiB"),
    ("connected", "Resident with the stick attached, connected", "MiB"),
    ("own", "of that, memory of its own (RssAnon): without program and libraries", "MiB"),
]


def table(ours, package):
    yield "| | PrusaConnect | Python package | ratio | PrusaConnect, CPU | Python package, CPU | ratio |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for key, title, unit in ROWS:
        cells = []
        for kind in (0, 1):
            left, right = ([run[key][kind] for run in runs] for runs in (ours, package))
            if left[0] is None:
                cells += ["", "", ""]
                continue
            for values in (left, right):
                cells.append(f"{statistics.median(values):.1f} {unit} ({min(values):.1f} to {max(values):.1f})")
            cells.append(f"{statistics.median(right) / statistics.median(left):.1f}")
        yield "| " + " | ".join([title, *cells]) + " |"


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith(("model name", "Model"))]
    return f"{names[-1] if names else 'unknown CPU'}, {os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}"


def commit():
    def git(*words):
        return subprocess.run(["git", *words], capture_output=True, text=True, check=False).stdout.strip()

    changed = " with changes" if git("status", "--porcelain", "--untracked-files=no") else ""
    return (git("rev-parse", "--short", "HEAD") or "unknown") + changed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("ours")
    parser.add_argument("package")
    options = parser.parse_args()
    sides = {"ours": [options.ours], "package": [sys.executable, options.package]}
    results = {name: [] for name in sides}
    load = os.getloadavg()[0]
    server = Server()
    stick = tempfile.mkdtemp(prefix="gantry-stick-")
    try:
        make_stick(stick)
        # One more than is counted: the first run fills the caches.
        for number in range(options.runs + 1):
            for name, command in sides.items():
                figures = run_once(command, stick, server)
                if number > 0:
                    results[name].append(figures)
                print(f"{number} {name} {figures}", file=sys.stderr)
    finally:
        shutil.rmtree(stick)
    print("\n".join(table(results["ours"], results["package"])))
    print(f"""
- Machine: {machine()}; load {load:.1f} at the start, {os.getloadavg()[0]:.1f} at the end
- Commit: {commit()}; prusa.connect.sdk.printer 0.8.1, Python {platform.python_version()}
- Medians of {options.runs} runs (least to most); both sides take turns, each time in new processes. Compare the ratios of one
  table; on a machine that is busy with other things, those of processor time (user and kernel, all threads).
- The new files are made while the process is stopped, and what is counted begins when it may go on. The package also writes
  its cache of metadata for each of them.""")


main()
