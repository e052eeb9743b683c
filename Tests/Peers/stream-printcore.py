"""Streams a file by Printrun's printcore, as pronsole's `load` and `print` do: stream-printcore.py GCODE PORT"""

import logging
import sys
import threading

import measured
from printrun import gcoder
from printrun.printcore import printcore

CONNECT_SECONDS = 20
PRINT_SECONDS = 150


def main(path, port):
    lines = measured.commands(path)
    before = measured.cpu_ns()
    # Reading the file is part of it: printcore prints only what was parsed as a whole. pronsole keeps light lines, too.
    with open(path, encoding="utf-8") as file:
        gcode = gcoder.LightGCode(file)

    online, ended, errors = threading.Event(), threading.Event(), []
    core = printcore()
    core.onlinecb = online.set
    core.endcb = ended.set
    core.errorcb = errors.append
    # The speed is the simulated wire's own, a pseudo-terminal has none.
    core.connect(port, 115200)
    if not online.wait(CONNECT_SECONDS):
        sys.exit(f"stream-printcore: the printer does not answer {errors}")
    if not core.startprint(gcode):
        sys.exit("stream-printcore: it does not print")
    # Called when the ok of the last line has come: only then it finds that there is no other.
    if not ended.wait(PRINT_SECONDS):
        sys.exit(f"stream-printcore: it does not come to an end {errors}")
    cpu = measured.cpu_ns() - before
    resident = measured.peak_resident_bytes()
    core.disconnect()
    if errors:
        sys.exit(f"stream-printcore: {errors}")
    measured.tell(lines, cpu, resident)


logging.basicConfig(level=logging.ERROR)
main(*sys.argv[1:])
