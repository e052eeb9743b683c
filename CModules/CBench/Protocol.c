#include "Protocol.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static const char *parse_number(const char *at, const char *end, uint64_t *value) {
    uint64_t sum = 0;
    while (at < end && is_digit(*at)) sum = sum * 10 + (uint64_t)(*at++ - '0');
    *value = sum;
    return at;
}

static bool is_word(const char *at, const char *end, const char *word, size_t length) {
    return (size_t)(end - at) >= length && memcmp(at, word, length) == 0 &&
           ((size_t)(end - at) == length || !is_digit(at[length]));
}

// Takes off `*<checksum>` when it is right. Blanks behind it are read over, as firmware does.
static bool take_checksum(const char *line, const char **end) {
    const char *star = memchr(line, '*', (size_t)(*end - line));
    if (star == NULL) return false;
    unsigned char sum = 0;
    for (const char *at = line; at < star; at++) sum ^= (unsigned char)*at;
    uint64_t claimed;
    const char *after = parse_number(star + 1, *end, &claimed);
    while (after > star + 1 && after < *end && *after == ' ') after++;
    if (after == star + 1 || after != *end || claimed != sum) return false;
    *end = star;
    return true;
}

// Line numbers are signed: printcore counts from 0 and so begins with `N-1 M110 N-1`. Here they wrap around.
static const char *parse_line_number(const char *at, const char *end, uint64_t *value) {
    bool negative = at < end && *at == '-';
    at = parse_number(negative ? at + 1 : at, end, value);
    if (negative) *value = -*value;
    return at;
}

// Marlin 2.1.2: the number inside of M110 counts, not the one in front of it.
static uint64_t number_to_set(const char *at, const char *end, uint64_t in_front) {
    const char *inside = memchr(at, 'N', (size_t)(end - at));
    uint64_t number = in_front;
    if (inside != NULL) parse_line_number(inside + 1, end, &number);
    return number;
}

enum command check_line(const char *line, size_t length, uint64_t *last_number) {
    const char *at = line, *end = line + length;
    if (at < end && end[-1] == '\r') end--;
    if (at == end) return COMMAND_NONE;
    uint64_t number = *last_number;
    bool numbered = *at == 'N';
    if (numbered) {
        if (!take_checksum(line, &end)) return COMMAND_BAD;
        at = parse_line_number(at + 1, end, &number);
        while (at < end && *at == ' ') at++;
    }
    if (is_word(at, end, "M110", 4)) {
        *last_number = number_to_set(at, end, number);
        return COMMAND_OTHER;
    }
    if (numbered && number != *last_number + 1) return COMMAND_BAD;
    *last_number = number;
    if (is_word(at, end, "G1", 2) || is_word(at, end, "G0", 2)) return COMMAND_MOVE;
    if (is_word(at, end, "M105", 4)) return COMMAND_TEMPERATURE;
    if (is_word(at, end, "M115", 4)) return COMMAND_FIRMWARE;
    if (is_word(at, end, "M400", 4)) return COMMAND_WAIT;
    return COMMAND_OTHER;
}

static size_t copy_text(char *out, const char *text) {
    size_t length = strlen(text);
    memcpy(out, text, length);
    return length;
}

size_t write_reply(enum command command, uint64_t last_number, char *out) {
    long long last = (long long)last_number;
    switch (command) {
    case COMMAND_NONE: return 0;
    case COMMAND_MOVE:
    case COMMAND_WAIT:
    case COMMAND_OTHER: memcpy(out, "ok\n", 3); return 3;
    case COMMAND_TEMPERATURE: return copy_text(out, "ok T:20.0 /0.0 B:20.0 /0.0 @:0 B@:0\n");
    case COMMAND_FIRMWARE:
        return copy_text(out,
                         "FIRMWARE_NAME:Marlin 2.1.2 (simulated) PROTOCOL_VERSION:1.0 MACHINE_TYPE:Bench "
                         "EXTRUDER_COUNT:1\nCap:AUTOREPORT_TEMP:0\nok\n");
    case COMMAND_BAD:
        return (size_t)snprintf(out, REPLY_MAX, "Error:checksum mismatch, Last Line: %lld\nResend: %lld\nok\n", last,
                                last + 1);
    }
    return 0;
}

uint64_t monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
