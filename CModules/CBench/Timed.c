// The printer with a wire, a receive buffer, a line queue and a planner, as Marlin 2.1.2 on an AVR has them.
//
// Everything that happens carries the time at which it happens on the printer; the process only wakes when the host
// could notice something. So a late wake-up delays an answer, but never changes what the printer did before.
#define _GNU_SOURCE
#include "CBench.h"
#include "Protocol.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
    WIRE_MAX = 4096,     // what the host's kernel and adapter hold for the wire
    RECEIVE_MAX = 128,   // RX_BUFFER_SIZE
    QUEUE_MAX = 4,       // BUFSIZE
    PLANNER_BLOCKS = 16, // BLOCK_BUFFER_SIZE
    LINE_MAX_BYTES = 96, // MAX_CMD_SIZE
    ANSWERS_MAX = 64,
};

static const uint64_t NEVER = UINT64_MAX;

struct queued_line {
    enum command command;
    uint64_t bytes;
    uint64_t last_number;  // after it, for the answer
};

struct answer {
    uint64_t due_ns;
    size_t length;
    char text[REPLY_MAX];
};

struct printer {
    struct cbench_printer_stats *stats;
    uint64_t byte_ns, move_ns;

    // On the wire: bytes and when each has arrived.
    char wire[WIRE_MAX];
    uint64_t arrival_ns[WIRE_MAX];
    size_t wire_head, wire_count;
    uint64_t wire_free_ns;

    char received[RECEIVE_MAX];
    size_t received_head, received_count;

    struct unpacker unpacker;
    uint64_t line_bytes;  // that the line has taken on the wire
    char line[LINE_MAX_BYTES];
    size_t line_length;   // what would not fit counts, but is not kept
    uint64_t last_number;

    struct queued_line queue[QUEUE_MAX];
    size_t queue_head, queue_count;

    uint64_t planner_end_ns;  // when the last move in the planner ends

    struct answer answers[ANSWERS_MAX];
    size_t answers_head, answers_count;
    uint64_t answer_free_ns;

    uint64_t unacknowledged_lines, unacknowledged_bytes;
    uint64_t now_ns;  // up to here everything has happened
};

static struct answer *next_answer(struct printer *p) {
    return &p->answers[(p->answers_head + p->answers_count) % ANSWERS_MAX];
}

static void send_answer(struct printer *p, struct answer *answer, uint64_t now) {
    if (p->answer_free_ns < now) p->answer_free_ns = now;
    p->answer_free_ns += answer->length * p->byte_ns;
    answer->due_ns = p->answer_free_ns;
    p->answers_count++;
}

static void answer(struct printer *p, enum command command, uint64_t last_number, uint64_t now) {
    struct answer *answer = next_answer(p);
    answer->length = write_reply(command, last_number, answer->text);
    send_answer(p, answer, now);
}

static bool answers_full(const struct printer *p) {
    return p->answers_count == ANSWERS_MAX;
}

// When the line at the head of the queue can run: `now`, or later while it waits for the planner.
static uint64_t runnable_ns(const struct printer *p, uint64_t now) {
    uint64_t at = 0;
    enum command command = p->queue[p->queue_head].command;
    if (command == COMMAND_WAIT) at = p->planner_end_ns;
    if (command == COMMAND_MOVE && p->planner_end_ns > (PLANNER_BLOCKS - 1) * p->move_ns) {
        at = p->planner_end_ns - (PLANNER_BLOCKS - 1) * p->move_ns;
    }
    return at > now ? at : now;
}

static void plan_move(struct printer *p, uint64_t now) {
    if (p->move_ns == 0) return;
    if (p->planner_end_ns < now) {
        if (p->stats->moves > PLANNER_BLOCKS) {
            p->stats->starvations++;
            p->stats->starvation_ns += now - p->planner_end_ns;
        }
        p->planner_end_ns = now;
    }
    p->planner_end_ns += p->move_ns;
}

static void run_line(struct printer *p, uint64_t now) {
    struct queued_line *line = &p->queue[p->queue_head];
    if (line->command == COMMAND_MOVE) {
        p->stats->moves++;
        plan_move(p, now);
    }
    answer(p, line->command, line->last_number, now);
    p->stats->lines++;
    p->unacknowledged_lines--;
    p->unacknowledged_bytes -= line->bytes;
    p->queue_head = (p->queue_head + 1) % QUEUE_MAX;
    p->queue_count--;
}

static void drop_received(struct printer *p) {
    p->received_count = 0;
    p->unacknowledged_lines = p->queue_count;
    p->unacknowledged_bytes = 0;
    for (size_t i = 0; i < p->queue_count; i++) {
        p->unacknowledged_bytes += p->queue[(p->queue_head + i) % QUEUE_MAX].bytes;
    }
}

static void note_move(struct cbench_printer_stats *stats, uint64_t now) {
    if (stats->first_move_ns == 0) {
        stats->first_move_ns = now;
        stats->bytes_to_first_move = stats->bytes;
    }
    stats->last_move_ns = now;
    stats->bytes_to_last_move = stats->bytes;
}

static void take_line(struct printer *p, uint64_t now) {
    uint64_t bytes = p->line_bytes;
    size_t kept = p->line_length < LINE_MAX_BYTES ? p->line_length : LINE_MAX_BYTES;
    enum command command = check_line(p->line, kept, &p->last_number);
    p->line_length = 0;
    p->line_bytes = 0;
    if (command == COMMAND_BAD) {
        p->stats->errors++;
        answer(p, command, p->last_number, now);
        drop_received(p);
    } else if (command == COMMAND_NONE) {
        p->unacknowledged_lines--;
        p->unacknowledged_bytes -= bytes;
    } else {
        if (command == COMMAND_MOVE) note_move(p->stats, now);
        p->queue[(p->queue_head + p->queue_count++) % QUEUE_MAX] =
            (struct queued_line){.command = command, .bytes = bytes, .last_number = p->last_number};
    }
}

static void take_character(struct printer *p, char character, uint64_t now) {
    if (character == '\n') {
        // A packed line is known to be one only here.
        if (p->unpacker.active) p->unacknowledged_lines++;
        take_line(p, now);
    } else {
        if (p->line_length < LINE_MAX_BYTES) p->line[p->line_length] = character;
        p->line_length++;
    }
}

// Moves received bytes into the line queue while it has room.
static void read_lines(struct printer *p, uint64_t now) {
    while (p->received_count > 0 && p->queue_count < QUEUE_MAX && !answers_full(p)) {
        char byte = p->received[p->received_head];
        p->received_head = (p->received_head + 1) % RECEIVE_MAX;
        p->received_count--;
        p->line_bytes++;
        char characters[2];
        int count = unpack(&p->unpacker, (unsigned char)byte, characters);
        for (int i = 0; i < count; i++) take_character(p, characters[i], now);
        if (p->unpacker.owes_report) {
            struct answer *report = next_answer(p);
            report->length = write_packing(&p->unpacker, report->text);
            send_answer(p, report, now);
        }
    }
}

// Runs what can run at `now`. Marlin's main loop does not read while a command waits for the planner.
static void run_lines(struct printer *p, uint64_t now) {
    for (;;) {
        if (p->queue_count == 0) read_lines(p, now);
        if (p->queue_count == 0 || answers_full(p) || runnable_ns(p, now) > now) return;
        run_line(p, now);
        read_lines(p, now);
    }
}

static void receive_byte(struct printer *p) {
    struct cbench_printer_stats *stats = p->stats;
    char byte = p->wire[p->wire_head];
    uint64_t now = p->arrival_ns[p->wire_head];
    p->wire_head = (p->wire_head + 1) % WIRE_MAX;
    p->wire_count--;
    if (stats->bytes++ == 0) stats->first_byte_ns = now;
    stats->last_byte_ns = now;
    if (p->received_count == RECEIVE_MAX) {
        stats->lost_bytes++;
        return;
    }
    p->received[(p->received_head + p->received_count++) % RECEIVE_MAX] = byte;
    p->unacknowledged_bytes++;
    if (byte == '\n' && !p->unpacker.active) p->unacknowledged_lines++;
    if (p->unacknowledged_bytes > stats->max_unacknowledged_bytes) {
        stats->max_unacknowledged_bytes = p->unacknowledged_bytes;
    }
    if (p->unacknowledged_lines > stats->max_unacknowledged_lines) {
        stats->max_unacknowledged_lines = p->unacknowledged_lines;
    }
}

static uint64_t next_arrival_ns(const struct printer *p) {
    return p->wire_count > 0 ? p->arrival_ns[p->wire_head] : NEVER;
}

static uint64_t next_run_ns(const struct printer *p) {
    return p->queue_count > 0 && !answers_full(p) ? runnable_ns(p, p->now_ns) : NEVER;
}

// Lets everything happen that happens until `now`, in its order.
static void advance(struct printer *p, uint64_t now) {
    for (;;) {
        uint64_t arrival = next_arrival_ns(p), run = next_run_ns(p);
        uint64_t next = arrival < run ? arrival : run;
        if (next > now) return;
        if (next > p->now_ns) p->now_ns = next;
        if (arrival <= run) receive_byte(p);
        run_lines(p, p->now_ns);
    }
}

// Where lines are packed, some bytes look like a line's end that are none: then it wakes for nothing.
static bool may_end_line(const struct printer *p, char byte) {
    unsigned char bits = (unsigned char)byte;
    return byte == '\n' || (p->unpacker.active && ((bits & 15) == 12 || bits >> 4 == 12));
}

// When the host could next notice something: an answer arrives, a waiting line runs, or a line is complete.
static uint64_t next_wake_ns(const struct printer *p) {
    uint64_t wake = p->answers_count > 0 ? p->answers[p->answers_head].due_ns : NEVER;
    uint64_t run = next_run_ns(p);
    if (run != NEVER) return run < wake ? run : wake;
    if (p->wire_count == 0) return wake;
    size_t index = p->wire_head;
    for (size_t i = 0; i < p->wire_count; i++) {
        index = (p->wire_head + i) % WIRE_MAX;
        if (may_end_line(p, p->wire[index])) break;
    }
    return p->arrival_ns[index] < wake ? p->arrival_ns[index] : wake;
}

// Hands the host all answers that the wire has carried by now, in one write.
static bool deliver(struct printer *p, int master, uint64_t now) {
    static char output[ANSWERS_MAX * REPLY_MAX];
    size_t length = 0;
    while (p->answers_count > 0 && p->answers[p->answers_head].due_ns <= now) {
        const struct answer *answer = &p->answers[p->answers_head];
        memcpy(output + length, answer->text, answer->length);
        length += answer->length;
        p->answers_head = (p->answers_head + 1) % ANSWERS_MAX;
        p->answers_count--;
    }
    for (size_t done = 0; done < length;) {
        ssize_t written = write(master, output + done, length - done);
        if (written < 0 && errno != EINTR) return false;
        if (written > 0) done += (size_t)written;
    }
    return true;
}

// Puts what the host wrote on the wire, behind what is on it.
static bool read_host(struct printer *p, int master) {
    char bytes[WIRE_MAX];
    ssize_t got = read(master, bytes, WIRE_MAX - p->wire_count);
    if (got < 0) return errno == EINTR;
    if (got == 0) return false;
    uint64_t now = monotonic_ns();
    if (p->wire_free_ns < now) p->wire_free_ns = now;
    for (ssize_t i = 0; i < got; i++) {
        size_t index = (p->wire_head + p->wire_count++) % WIRE_MAX;
        p->wire_free_ns += p->byte_ns;
        p->wire[index] = bytes[i];
        p->arrival_ns[index] = p->wire_free_ns;
    }
    return true;
}

void run_timed(int master, const struct cbench_printer_options *options, struct cbench_printer_stats *stats) {
    static struct printer p;
    p.stats = stats;
    p.byte_ns = options->baud == 0 ? 0 : 10000000000u / options->baud;
    p.move_ns = options->move_ns;
    prctl(PR_SET_TIMERSLACK, 1);
    for (;;) {
        uint64_t now = monotonic_ns();
        advance(&p, now);
        if (!deliver(&p, master, now)) return;

        uint64_t wake = next_wake_ns(&p);
        now = monotonic_ns();
        if (wake <= now) continue;
        struct timespec timeout = {(time_t)((wake - now) / 1000000000), (long)((wake - now) % 1000000000)};
        struct pollfd input = {.fd = master, .events = p.wire_count < WIRE_MAX ? POLLIN : 0};
        int ready = ppoll(&input, 1, wake == NEVER ? NULL : &timeout, NULL);
        if (ready < 0 && errno != EINTR) return;
        if (ready > 0 && !read_host(&p, master)) return;
    }
}
