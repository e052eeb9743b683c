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

/// The decoder of packed lines, as it stands between receive buffer and line reader. All zero: plain text.
struct unpacker {
    bool active, without_spaces, order_follows, owes_report;
    int marks, whole_due;
    char second;
};

/// Takes one byte; writes 0, 1 or 2 characters to `out` and returns how many.
int unpack(struct unpacker *unpacker, unsigned char byte, char out[2]);

/// Writes the report that is owed; returns its length, at most REPLY_MAX.
size_t write_packing(struct unpacker *unpacker, char *out);

/// CLOCK_MONOTONIC in nanoseconds.
uint64_t monotonic_ns(void);

struct cbench_printer_options;
struct cbench_printer_stats;

/// The printer's two ways to run, both for ever on the master side of a pseudo-terminal.
void run_unpaced(int master, struct cbench_printer_stats *stats);
void run_timed(int master, const struct cbench_printer_options *options, struct cbench_printer_stats *stats);
