"""What every peer tells the benchmark: lines, CPU ns, peak resident bytes, and -1 for what is not known of it."""

import os
import resource


def cpu_ns():
    """User and system time of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return int((usage.ru_utime + usage.ru_stime) * 1e9)


def cpu_ns_of(process):
    """The same of another process, to a tick of the clock (10 ms)."""
    with open(f"/proc/{process}/stat", encoding="ascii", errors="replace") as stat:
        # The name in parentheses may contain blanks; user and system time are the 14th and 15th field.
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def peak_resident_bytes(process="self"):
    """VmHWM."""
    with open(f"/proc/{process}/status", encoding="utf-8") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def commands(path):
    """How many lines of a G-code file are not only a comment."""
    with open(path, encoding="utf-8") as file:
        return sum(1 for line in file if line.partition(";")[0].strip())


def tell(lines, cpu, resident):
    """The one line of output."""
    print(lines, cpu, resident, -1, -1, -1, flush=True)
