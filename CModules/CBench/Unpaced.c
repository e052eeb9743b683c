// The printer without wire and planner: one read, all answers in one write.
#include "CBench.h"
#include "Protocol.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { INPUT_MAX = 1 << 14, OUTPUT_MAX = 1 << 16 };

static bool write_all(int fd, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(fd, bytes, count);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes += written;
        count -= (size_t)written;
    }
    return true;
}

static void note_move(struct cbench_printer_stats *stats, uint64_t now, uint64_t bytes) {
    if (stats->moves++ == 0) {
        stats->first_move_ns = now;
        stats->bytes_to_first_move = bytes;
    }
    stats->last_move_ns = now;
    stats->bytes_to_last_move = bytes;
}

static void note_maximum(uint64_t *maximum, uint64_t value) {
    if (value > *maximum) *maximum = value;
}

void run_unpaced(int master, struct cbench_printer_stats *stats) {
    static char input[INPUT_MAX], output[OUTPUT_MAX];
    size_t held = 0;
    uint64_t last_number = 0;
    for (;;) {
        ssize_t got = read(master, input + held, sizeof input - held);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        uint64_t now = monotonic_ns();
        if (stats->bytes == 0) stats->first_byte_ns = now;
        stats->last_byte_ns = now;
        uint64_t bytes_before = stats->bytes - held;
        stats->bytes += (uint64_t)got;
        held += (size_t)got;
        note_maximum(&stats->max_unacknowledged_bytes, held);

        char *at = input, *end = input + held, *feed;
        size_t replied = 0;
        uint64_t lines = 0;
        while ((feed = memchr(at, '\n', (size_t)(end - at))) != NULL) {
            enum command command = check_line(at, (size_t)(feed - at), &last_number);
            at = feed + 1;
            if (sizeof output - replied < REPLY_MAX) {
                if (!write_all(master, output, replied)) return;
                replied = 0;
            }
            replied += write_reply(command, last_number, output + replied);
            if (command == COMMAND_BAD) {
                stats->errors++;
                at = end;  // Marlin empties its receive buffer when it asks for a line again
                break;
            }
            if (command == COMMAND_NONE) continue;
            lines++;
            stats->lines++;
            if (command == COMMAND_MOVE) note_move(stats, now, bytes_before + (uint64_t)(at - input));
        }
        note_maximum(&stats->max_unacknowledged_lines, lines);
        held = (size_t)(end - at);
        if (held == sizeof input) held = 0;  // a line without end
        memmove(input, at, held);
        if (!write_all(master, output, replied)) return;
    }
}
