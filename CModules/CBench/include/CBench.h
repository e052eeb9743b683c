// The two ends that the benchmark compares hosts by: a simulated Marlin printer on a pseudo-terminal, in a process
// of its own so that its CPU time is not the host's, and two plain C host loops.
//
// Every function that returns `int` gives a value >= 0 when it worked and -errno when it did not.
#pragma once

#include <stdint.h>

// MARK: Printer

/// How the simulated printer behaves. All zero: it reads and answers as fast as it can.
struct cbench_printer_options {
    /// Wire speed in bits per second, 10 bits a byte, both directions; 0 for no wire. A byte then "arrives" when the
    /// wire has carried it, a 128-byte receive buffer and a queue of 4 lines take it, and what overflows is lost.
    uint32_t baud;
    /// How long each G0 or G1 takes, in nanoseconds; 0 for no planner. With one, 16 moves are held and the `ok` of
    /// the next waits for a free place.
    uint64_t move_ns;
};

/// What the printer saw. Times are CLOCK_MONOTONIC in nanoseconds; with a wire they are the times at which the wire
/// had carried the byte, otherwise those at which the printer read it.
struct cbench_printer_stats {
    uint64_t lines;          // executed, with or without number
    uint64_t moves;          // G0 and G1 among them
    uint64_t bytes;          // received
    uint64_t first_byte_ns;
    uint64_t last_byte_ns;
    uint64_t first_move_ns;  // when the first and the last move were received
    uint64_t last_move_ns;
    uint64_t bytes_to_first_move;  // received up to and with that line
    uint64_t bytes_to_last_move;
    uint64_t errors;               // lines with a wrong number or checksum
    uint64_t lost_bytes;           // that came while the receive buffer was full
    uint64_t max_unacknowledged_lines;  // received, `ok` not yet given
    uint64_t max_unacknowledged_bytes;
    uint64_t starvations;    // times the planner ran empty after the first 16 moves and before the last
    uint64_t starvation_ns;  // how long in all
};

struct cbench_printer;

/// Leaves the last core to the simulated printer: a real one has a processor of its own, and where host and printer come to
/// lie is otherwise the scheduler's whim, which makes a difference of three times. For the calling process and what it starts.
/// Does nothing on a machine of one core.
void cbench_use_host_cores(void);

/// Starts a printer in a forked process that ends with this one. It keeps to the last core.
int cbench_printer_start(const struct cbench_printer_options *options, struct cbench_printer **printer);

/// The path of the pseudo-terminal to stream to; valid until the printer is stopped.
const char *cbench_printer_path(struct cbench_printer *printer);

/// Ends the printer's process and gives its statistics and its CPU time (user and system, nanoseconds).
void cbench_printer_stop(struct cbench_printer *printer, struct cbench_printer_stats *stats, uint64_t *cpu_ns);

// MARK: Hosts

/// What a host did.
struct cbench_result {
    uint64_t lines;        // acknowledged
    uint64_t bytes;        // written
    uint64_t allocations;  // by the streaming thread from the first line to the last ok
};

/// Streams a G-code file line by line: the next line goes out when the last is acknowledged. -EPROTO when the printer
/// asks for a line again: the simulated wire has no faults, so that would be a bug in the loop.
int cbench_stop_and_wait(const char *gcode_path, const char *port_path, struct cbench_result *result);

/// The same with up to 4 lines and 127 bytes unacknowledged, what Marlin's line queue and receive buffer hold.
int cbench_window(const char *gcode_path, const char *port_path, struct cbench_result *result);

// MARK: What Swift cannot import

/// CPU time of this process so far, user and system, in nanoseconds.
uint64_t cbench_cpu_ns(void);

/// The most memory this program ever had resident, in bytes; 0 when /proc does not tell.
uint64_t cbench_peak_resident_bytes(void);
