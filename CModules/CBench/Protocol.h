// What both of the printer's ways to run share: Marlin's line format.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum command {
    COMMAND_NONE,
    COMMAND_BAD,
    COMMAND_MOVE,
    COMMAND_TEMPERATURE,
    COMMAND_FIRMWARE,
    COMMAND_WAIT,
    COMMAND_OTHER,
};

/// Checks one line without its line feed and moves `last_number` on. NONE for an empty line (no ok), BAD for a wrong
/// number or checksum.
enum command check_line(const char *line, size_t length, uint64_t *last_number);

/// Writes the answer to `out` and returns its length, at most REPLY_MAX.
size_t write_reply(enum command command, uint64_t last_number, char *out);

enum { REPLY_MAX = 256 };

/// CLOCK_MONOTONIC in nanoseconds.
uint64_t monotonic_ns(void);

struct cbench_printer_options;
struct cbench_printer_stats;

/// The printer's two ways to run, both for ever on the master side of a pseudo-terminal.
void run_unpaced(int master, struct cbench_printer_stats *stats);
void run_timed(int master, const struct cbench_printer_options *options, struct cbench_printer_stats *stats);
