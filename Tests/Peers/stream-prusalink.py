"""Prints a file by PrusaLink's own file printer, serial queue and port: stream-prusalink.py GCODE PORT

The whole daemon wants a Prusa with a valid serial number. What is left out of it here (telemetry, polling, Connect, its web
server) would only add to its time and memory, so the figures are the least that it takes.
"""

import logging
import sys
import tempfile
import threading
import time
from types import SimpleNamespace

import measured
from prusa.link.interesting_logger import InterestingLogger, InterestingLogRotator

# As its __main__ does, before any other module makes its logger: it keeps what it logs of each line, whatever the level.
InterestingLogRotator()
logging.setLoggerClass(InterestingLogger)

# pylint: disable=wrong-import-position
from prusa.link.printer_adapter.file_printer import FilePrinter
from prusa.link.printer_adapter.model import Model
from prusa.link.serial.serial_adapter import SerialAdapter
from prusa.link.serial.serial_parser import ThreadedSerialParser
from prusa.link.serial.serial_queue import MonitoredSerialQueue

CONNECT_SECONDS = 20
PRINT_SECONDS = 150


def accept(port_adapter):
    """Instead of asking which Prusa it is: the simulated printer is none."""
    port_adapter.port.usable = True
    port_adapter.port.description = "simulated"


def main(gcode, port):
    lines = measured.commands(gcode)
    SerialAdapter._get_info = staticmethod(accept)
    # Any other port gets 8 s to boot.
    SerialAdapter.is_rpi_port = staticmethod(lambda path: True)
    with tempfile.TemporaryDirectory(prefix="gantry-bench-prusalink-") as folder:
        model, parser = Model(), ThreadedSerialParser()
        adapter = SerialAdapter(parser, model, configured_port=port)
        # What is kept of a print for the time after a power panic names the job.
        model.job = SimpleNamespace(selected_file_path=gcode)
        queue = MonitoredSerialQueue(adapter, parser, threshold_path=f"{folder}/threshold")
        printer = FilePrinter(queue, parser, model,
                              SimpleNamespace(daemon=SimpleNamespace(power_panic_file=f"{folder}/power-panic")))

        def number_changed(number):
            printer.serial_message_number_changed(number)

        ended = threading.Event()

        def finished(_):
            ended.set()

        def failed(_):
            logging.error("stream-prusalink: its serial queue gave up")

        # As the daemon connects them; it holds them weakly.
        queue.message_number_changed.connect(number_changed)
        queue.serial_queue_failed.connect(failed)
        printer.print_finished_signal.connect(finished)

        deadline = time.monotonic() + CONNECT_SECONDS
        while adapter.data.using_port is None or not adapter.is_open(adapter.serial):
            if time.monotonic() > deadline:
                sys.exit("stream-prusalink: it does not open the port")
            time.sleep(0.05)
        before = measured.cpu_ns()
        printer.print(gcode)
        # Sent when M77 behind the last line is answered.
        if not ended.wait(PRINT_SECONDS):
            sys.exit("stream-prusalink: it does not come to an end")
        cpu = measured.cpu_ns() - before
        resident = measured.peak_resident_bytes()
    measured.tell(lines, cpu, resident)


logging.basicConfig(level=logging.ERROR)
main(*sys.argv[1:])
