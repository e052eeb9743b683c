// One small interface over libgpiod 1.x (Debian 12, Raspberry Pi OS 12) and 2.x (Debian 13): chips, lines and
// edge events, one line a request.
//
// Every function that returns `int` gives a value >= 0 when it worked and -errno when it did not. A handle may
// move between threads but serves one thread at a time.
#pragma once

#include <stdbool.h>
#include <stdint.h>

/// An open GPIO chip.
struct cgpiod_chip;

/// One line held by this process, as input or as output. It outlives the chip handle it was asked from.
struct cgpiod_request;

/// Line and consumer names are at most 31 bytes in the kernel (GPIO_MAX_NAME_SIZE).
enum { CGPIOD_NAME_SIZE = 32 };

/// Pull resistor of a line. UNKNOWN is only ever reported, AS_IS only ever asked for.
enum cgpiod_bias {
    CGPIOD_BIAS_UNKNOWN = 0,
    CGPIOD_BIAS_AS_IS = 1,
    CGPIOD_BIAS_DISABLED = 2,
    CGPIOD_BIAS_PULL_UP = 3,
    CGPIOD_BIAS_PULL_DOWN = 4,
};

/// How an output drives its line.
enum cgpiod_drive {
    CGPIOD_DRIVE_PUSH_PULL = 0,
    CGPIOD_DRIVE_OPEN_DRAIN = 1,
    CGPIOD_DRIVE_OPEN_SOURCE = 2,
};

/// Edges to report, as bits.
enum { CGPIOD_EDGE_RISING = 1, CGPIOD_EDGE_FALLING = 2 };

/// What the kernel knows of a line. Empty strings where it has no name or no consumer.
struct cgpiod_line_info {
    char name[CGPIOD_NAME_SIZE];
    char consumer[CGPIOD_NAME_SIZE];
    bool used;
    bool output;
    bool active_low;
    int bias;   // enum cgpiod_bias
    int drive;  // enum cgpiod_drive
};

/// How to hold a line as input.
struct cgpiod_input {
    int bias;  // enum cgpiod_bias, not UNKNOWN
    int edges;  // CGPIOD_EDGE_* bits, 0 for none
    bool active_low;
    uint32_t debounce_us;  // 0 for none; libgpiod 1.x has no debounce: -EOPNOTSUPP
};

/// How to hold a line as output.
struct cgpiod_output {
    int drive;  // enum cgpiod_drive
    bool active;  // the value from the first moment on
    bool active_low;
    bool keep;  // the value that the line has now instead of `active`, without a moment in between
};

/// One edge: CLOCK_MONOTONIC in nanoseconds (Linux 5.7 and newer), and which of the CGPIOD_EDGE_* bits it is.
/// Rising means from inactive to active, so active-low lines rise when their voltage falls.
struct cgpiod_edge {
    uint64_t timestamp_ns;
    int edge;
};

/// The version of the libgpiod that runs, such as "1.6.3".
const char *cgpiod_version(void);

/// 1 or 2: the generation of the API that this was compiled for.
int cgpiod_generation(void);

/// Writes the numbers N of the /dev/gpiochipN devices, ascending, and returns how many there are; that may be
/// more than `capacity`. Links (Raspberry Pi OS keeps old numbers alive by them) are left out. Opens nothing.
int cgpiod_list_chips(unsigned *numbers, unsigned capacity);

/// Opens a chip. -ENOENT, -EACCES as open(2); -ENOTTY or -ENODEV when the path is no GPIO chip.
int cgpiod_chip_open(const char *path, struct cgpiod_chip **chip);
void cgpiod_chip_close(struct cgpiod_chip *chip);

/// Kernel name ("gpiochip0") and label ("pinctrl-bcm2711") of a chip; valid until it is closed.
const char *cgpiod_chip_name(struct cgpiod_chip *chip);
const char *cgpiod_chip_label(struct cgpiod_chip *chip);
unsigned cgpiod_chip_line_count(struct cgpiod_chip *chip);

/// Asks the kernel what it knows of a line now. -EINVAL when the chip has no such line.
int cgpiod_line_info(struct cgpiod_chip *chip, unsigned offset, struct cgpiod_line_info *info);

/// Holds a line until it is released. -EBUSY when somebody else holds it.
int cgpiod_request_input(struct cgpiod_chip *chip, unsigned offset, const char *consumer,
                         const struct cgpiod_input *input, struct cgpiod_request **request);
int cgpiod_request_output(struct cgpiod_chip *chip, unsigned offset, const char *consumer,
                          const struct cgpiod_output *output, struct cgpiod_request **request);
void cgpiod_release(struct cgpiod_request *request);

/// 1 active, 0 inactive.
int cgpiod_get(struct cgpiod_request *request);
int cgpiod_set(struct cgpiod_request *request, bool active);

/// The descriptor that polls readable when an edge waits. It belongs to the request. Fails without edges.
int cgpiod_fd(struct cgpiod_request *request);

/// Waits for an edge for at most `timeout_ns` (negative: for ever). 1 when one waits, 0 when the time passed or a
/// signal came.
int cgpiod_wait_edge(struct cgpiod_request *request, int64_t timeout_ns);

/// Takes the oldest waiting edge without ever blocking: 1, or 0 when none waits.
int cgpiod_read_edge(struct cgpiod_request *request, struct cgpiod_edge *edge);
