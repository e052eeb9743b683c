// Two plain host loops, written to be hard to beat: the file is mapped, nothing is copied twice, every wake-up costs
// one read and one write.
#include "CAllocationCounter.h"
#include "CBench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum {
    COMMAND_MAX = 80,                 // what fits into Marlin's 96-byte line beside number and checksum
    LINE_MAX_BYTES = COMMAND_MAX + 32,
    WINDOW_LINES = 4,                 // BUFSIZE
    WINDOW_BYTES = 127,               // RX_BUFFER_SIZE holds one less than its 128
};

struct host {
    int port;
    const char *map, *at, *end;  // the G-code file
    size_t map_length;
    uint64_t number;  // of the last line made
    char replies[4096];
    size_t reply_length;
    struct cbench_result *result;
};

static int open_port(const char *path) {
    int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return -errno;
    struct termios settings;
    if (tcgetattr(fd, &settings) < 0) goto failed;
    cfmakeraw(&settings);
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    if (tcsetattr(fd, TCSANOW, &settings) < 0) goto failed;
    return fd;

failed:;
    int error = -errno;
    close(fd);
    return error;
}

static int map_file(struct host *host, const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    struct stat status;
    int error = fstat(fd, &status) < 0 ? -errno : 0;
    if (error == 0 && status.st_size > 0) {
        void *map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) {
            error = -errno;
        } else {
            madvise(map, (size_t)status.st_size, MADV_SEQUENTIAL);
            host->map = host->at = map;
            host->map_length = (size_t)status.st_size;
            host->end = host->map + host->map_length;
        }
    }
    close(fd);
    return error;
}

static int open_host(struct host *host, const char *gcode_path, const char *port_path) {
    int error = map_file(host, gcode_path);
    if (error < 0) return error;
    host->port = open_port(port_path);
    if (host->port < 0 && host->map != NULL) munmap((void *)host->map, host->map_length);
    return host->port < 0 ? host->port : 0;
}

static void close_host(struct host *host) {
    close(host->port);
    if (host->map != NULL) munmap((void *)host->map, host->map_length);
}

// The next command of the file without comment and surrounding blanks; false at the end.
static bool next_command(struct host *host, const char **command, size_t *length) {
    while (host->at < host->end) {
        const char *start = host->at;
        const char *feed = memchr(start, '\n', (size_t)(host->end - start));
        const char *stop = feed != NULL ? feed : host->end;
        host->at = feed != NULL ? feed + 1 : host->end;
        const char *comment = memchr(start, ';', (size_t)(stop - start));
        if (comment != NULL) stop = comment;
        while (start < stop && (*start == ' ' || *start == '\t')) start++;
        while (start < stop && (stop[-1] == ' ' || stop[-1] == '\t' || stop[-1] == '\r')) stop--;
        if (start == stop) continue;
        *command = start;
        *length = (size_t)(stop - start);
        return true;
    }
    return false;
}

static char *write_decimal(char *out, uint64_t value) {
    char digits[20];
    int count = 0;
    do digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    while (count > 0) *out++ = digits[--count];
    return out;
}

// Writes `N<number> <command>*<checksum>\n` and returns its length.
static size_t format_line(char *out, uint64_t number, const char *command, size_t length) {
    char *at = out;
    *at++ = 'N';
    at = write_decimal(at, number);
    *at++ = ' ';
    memcpy(at, command, length);
    at += length;
    unsigned char sum = 0;
    for (const char *byte = out; byte < at; byte++) sum ^= (unsigned char)*byte;
    *at++ = '*';
    at = write_decimal(at, sum);
    *at++ = '\n';
    return (size_t)(at - out);
}

// Makes the next numbered line: its length, 0 at the end of the file, -E2BIG for a command Marlin would cut.
static int next_line(struct host *host, char *out) {
    const char *command;
    size_t length;
    if (!next_command(host, &command, &length)) return 0;
    if (length > COMMAND_MAX) return -E2BIG;
    return (int)format_line(out, ++host->number, command, length);
}

static int send_all(struct host *host, const char *bytes, size_t count) {
    host->result->bytes += count;
    while (count > 0) {
        ssize_t written = write(host->port, bytes, count);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return -errno;
        bytes += written;
        count -= (size_t)written;
    }
    return 0;
}

static bool starts(const char *line, const char *end, const char *word, size_t length) {
    return (size_t)(end - line) >= length && memcmp(line, word, length) == 0;
}

// Waits for something to come and returns how many oks were in it.
static int read_oks(struct host *host) {
    ssize_t got;
    do got = read(host->port, host->replies + host->reply_length, sizeof host->replies - host->reply_length);
    while (got < 0 && errno == EINTR);
    if (got < 0) return -errno;
    if (got == 0) return -EIO;
    const char *at = host->replies, *end = host->replies + host->reply_length + got, *feed;
    int oks = 0;
    while ((feed = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        if (starts(at, feed, "ok", 2)) {
            oks++;
        } else if (starts(at, feed, "Resend", 6) || starts(at, feed, "Error", 5)) {
            return -EPROTO;
        }
        at = feed + 1;
    }
    host->reply_length = (size_t)(end - at);
    if (host->reply_length == sizeof host->replies) return -EPROTO;
    memmove(host->replies, at, host->reply_length);
    return oks;
}

static int wait_for_ok(struct host *host) {
    for (;;) {
        int oks = read_oks(host);
        if (oks != 0) return oks < 0 ? oks : 0;
    }
}

// Makes the printer count from 0, so that the first line is N1.
static int reset_line_number(struct host *host) {
    char line[LINE_MAX_BYTES];
    static const char command[] = "M110 N0";
    int error = send_all(host, line, format_line(line, 0, command, sizeof command - 1));
    return error < 0 ? error : wait_for_ok(host);
}

static int stream_one_by_one(struct host *host) {
    char line[LINE_MAX_BYTES];
    for (;;) {
        int length = next_line(host, line);
        if (length <= 0) return length;
        int error = send_all(host, line, (size_t)length);
        if (error == 0) error = wait_for_ok(host);
        if (error < 0) return error;
        host->result->lines++;
    }
}

static int stream_window(struct host *host) {
    char batch[WINDOW_BYTES + LINE_MAX_BYTES];
    size_t sizes[WINDOW_LINES];  // of the unacknowledged lines, a ring
    unsigned first = 0, lines = 0;
    size_t bytes = 0, batch_length = 0;
    int next = next_line(host, batch);
    for (;;) {
        while (next > 0 && lines < WINDOW_LINES && (bytes + (size_t)next <= WINDOW_BYTES || lines == 0)) {
            sizes[(first + lines++) % WINDOW_LINES] = (size_t)next;
            bytes += (size_t)next;
            batch_length += (size_t)next;
            next = next_line(host, batch + batch_length);
        }
        if (next < 0) return next;
        if (batch_length > 0) {
            int error = send_all(host, batch, batch_length);
            if (error < 0) return error;
            memmove(batch, batch + batch_length, (size_t)next);  // the line that did not fit yet
            batch_length = 0;
        }
        if (lines == 0) return 0;
        int oks = read_oks(host);
        if (oks < 0) return oks;
        for (; oks > 0 && lines > 0; oks--) {
            bytes -= sizes[first];
            first = (first + 1) % WINDOW_LINES;
            lines--;
            host->result->lines++;
        }
    }
}

static int stream(const char *gcode_path, const char *port_path, struct cbench_result *result,
                  int (*loop)(struct host *)) {
    struct host host = {.result = result};
    memset(result, 0, sizeof *result);
    int error = open_host(&host, gcode_path, port_path);
    if (error < 0) return error;
    error = reset_line_number(&host);
    uint64_t allocations = callocation_count_of_this_thread();
    if (error == 0) error = loop(&host);
    result->allocations = callocation_count_of_this_thread() - allocations;
    close_host(&host);
    return error;
}

int cbench_stop_and_wait(const char *gcode_path, const char *port_path, struct cbench_result *result) {
    return stream(gcode_path, port_path, result, stream_one_by_one);
}

int cbench_window(const char *gcode_path, const char *port_path, struct cbench_result *result) {
    return stream(gcode_path, port_path, result, stream_window);
}
