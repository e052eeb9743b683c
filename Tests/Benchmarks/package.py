"""The Python package's side of Tests/Benchmarks/connect: understands the lines of Sources/ConnectBench.

    package.py DIRECTORY PORT
"""

import json
import sys
import threading
import time

from prusa.connect.printer import Printer, const


def say(text):
    print(text, flush=True)


def milliseconds(since):
    return (time.monotonic() - since) * 1000


def main():
    directory, port = sys.argv[1], sys.argv[2]
    printer = Printer(const.PrinterType.I3MK3S, "CZPX4720X004XC34242", "0123456789abcdef0123456789abcdef")
    printer.set_connection(f"http://127.0.0.1:{port}", "secret-token-1234567")
    say("ready")
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "attach":
            start = time.monotonic()
            printer.attach(directory, "usb")
            say(f"attach {milliseconds(start)}")
        elif word == "info":
            while not printer.queue.empty():
                printer.queue.get()
            start = time.monotonic()
            # What SEND_INFO does, and what the session does with the event when it sends it.
            printer.event_cb(**printer.get_info())
            json.dumps(printer.queue.get().to_payload(), allow_nan=False).encode()
            say(f"info {milliseconds(start)}")
        elif word == "watch":
            wanted = printer.queue.qsize() + int(rest[0])
            say("watching")
            while printer.queue.qsize() < wanted:
                # On this thread and without a pause: as fast as the package can be.
                printer.inotify_handler(timeout=100)
            say(f"seen {time.monotonic_ns()}")
        elif word == "connect":
            threading.Thread(target=printer.loop, daemon=True).start()
            while not printer.queue.empty():
                time.sleep(0.01)
            say("connected")


main()
