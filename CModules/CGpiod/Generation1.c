// CGpiod over libgpiod 1.x. GPIOD_BIT is a macro of its header that 2.x does not have.
#include <gpiod.h>
#ifdef GPIOD_BIT

#include "CGpiod.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct cgpiod_chip {
    struct gpiod_chip *chip;
    char path[64];
};

// In 1.x a line belongs to its chip, so a request that is to outlive the caller's chip opens its own.
struct cgpiod_request {
    struct gpiod_chip *chip;
    struct gpiod_line *line;
};

// libgpiod promises errno for every failure; 0 must still not look like success.
static int failure(void) {
    return errno > 0 ? -errno : -EIO;
}

const char *cgpiod_version(void) {
    return gpiod_version_string();
}

int cgpiod_generation(void) {
    return 1;
}

int cgpiod_chip_open(const char *path, struct cgpiod_chip **result) {
    struct cgpiod_chip *chip = calloc(1, sizeof *chip);
    if (chip == NULL) return -ENOMEM;
    if (strlen(path) >= sizeof chip->path) {
        free(chip);
        return -ENAMETOOLONG;
    }
    strcpy(chip->path, path);
    chip->chip = gpiod_chip_open(path);
    if (chip->chip == NULL) {
        int error = failure();
        free(chip);
        return error;
    }
    *result = chip;
    return 0;
}

void cgpiod_chip_close(struct cgpiod_chip *chip) {
    if (chip == NULL) return;
    gpiod_chip_close(chip->chip);
    free(chip);
}

const char *cgpiod_chip_name(struct cgpiod_chip *chip) {
    return gpiod_chip_name(chip->chip);
}

const char *cgpiod_chip_label(struct cgpiod_chip *chip) {
    return gpiod_chip_label(chip->chip);
}

unsigned cgpiod_chip_line_count(struct cgpiod_chip *chip) {
    return gpiod_chip_num_lines(chip->chip);
}

static void copy_name(char *to, const char *from) {
    if (from != NULL) strncpy(to, from, CGPIOD_NAME_SIZE - 1);
}

static int bias_from(int bias) {
    switch (bias) {
    case GPIOD_LINE_BIAS_AS_IS: return CGPIOD_BIAS_UNKNOWN;  // 1.x: "the internal bias state is unknown"
    case GPIOD_LINE_BIAS_DISABLE: return CGPIOD_BIAS_DISABLED;
    case GPIOD_LINE_BIAS_PULL_UP: return CGPIOD_BIAS_PULL_UP;
    case GPIOD_LINE_BIAS_PULL_DOWN: return CGPIOD_BIAS_PULL_DOWN;
    default: return -EBADE;
    }
}

int cgpiod_line_info(struct cgpiod_chip *chip, unsigned offset, struct cgpiod_line_info *info) {
    struct gpiod_line *line = gpiod_chip_get_line(chip->chip, offset);
    if (line == NULL) return failure();
    // The chip caches its lines; others may have taken or released this one since.
    if (gpiod_line_update(line) < 0) return failure();
    memset(info, 0, sizeof *info);
    copy_name(info->name, gpiod_line_name(line));
    copy_name(info->consumer, gpiod_line_consumer(line));
    info->used = gpiod_line_is_used(line);
    info->output = gpiod_line_direction(line) == GPIOD_LINE_DIRECTION_OUTPUT;
    info->active_low = gpiod_line_active_state(line) == GPIOD_LINE_ACTIVE_STATE_LOW;
    info->bias = bias_from(gpiod_line_bias(line));
    if (info->bias < 0) return info->bias;
    info->drive = gpiod_line_is_open_drain(line)    ? CGPIOD_DRIVE_OPEN_DRAIN
                  : gpiod_line_is_open_source(line) ? CGPIOD_DRIVE_OPEN_SOURCE
                                                    : CGPIOD_DRIVE_PUSH_PULL;
    return 0;
}

static int request_line(struct cgpiod_chip *chip, unsigned offset, const struct gpiod_line_request_config *config,
                        int value, struct cgpiod_request **result) {
    struct cgpiod_request *request = calloc(1, sizeof *request);
    if (request == NULL) return -ENOMEM;
    request->chip = gpiod_chip_open(chip->path);
    if (request->chip == NULL) goto failed;
    request->line = gpiod_chip_get_line(request->chip, offset);
    if (request->line == NULL) goto failed;
    if (gpiod_line_request(request->line, config, value) < 0) goto failed;
    *result = request;
    return 0;

failed:;
    int error = failure();
    if (request->chip != NULL) gpiod_chip_close(request->chip);
    free(request);
    return error;
}

int cgpiod_request_input(struct cgpiod_chip *chip, unsigned offset, const char *consumer,
                         const struct cgpiod_input *input, struct cgpiod_request **request) {
    if (input->debounce_us != 0) return -EOPNOTSUPP;
    struct gpiod_line_request_config config = {.consumer = consumer};
    switch (input->edges) {
    case 0: config.request_type = GPIOD_LINE_REQUEST_DIRECTION_INPUT; break;
    case CGPIOD_EDGE_RISING: config.request_type = GPIOD_LINE_REQUEST_EVENT_RISING_EDGE; break;
    case CGPIOD_EDGE_FALLING: config.request_type = GPIOD_LINE_REQUEST_EVENT_FALLING_EDGE; break;
    case CGPIOD_EDGE_RISING | CGPIOD_EDGE_FALLING: config.request_type = GPIOD_LINE_REQUEST_EVENT_BOTH_EDGES; break;
    default: return -EINVAL;
    }
    switch (input->bias) {
    case CGPIOD_BIAS_AS_IS: break;
    case CGPIOD_BIAS_DISABLED: config.flags |= GPIOD_LINE_REQUEST_FLAG_BIAS_DISABLE; break;
    case CGPIOD_BIAS_PULL_UP: config.flags |= GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP; break;
    case CGPIOD_BIAS_PULL_DOWN: config.flags |= GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN; break;
    default: return -EINVAL;
    }
    if (input->active_low) config.flags |= GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW;
    return request_line(chip, offset, &config, 0, request);
}

int cgpiod_request_output(struct cgpiod_chip *chip, unsigned offset, const char *consumer,
                          const struct cgpiod_output *output, struct cgpiod_request **request) {
    struct gpiod_line_request_config config = {
        .consumer = consumer, .request_type = GPIOD_LINE_REQUEST_DIRECTION_OUTPUT};
    if (output->active_low) config.flags |= GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW;
    // The kernel takes drive flags for outputs only.
    struct gpiod_line_request_config as_is = {
        .consumer = consumer, .request_type = GPIOD_LINE_REQUEST_DIRECTION_AS_IS, .flags = config.flags};
    switch (output->drive) {
    case CGPIOD_DRIVE_PUSH_PULL: break;
    case CGPIOD_DRIVE_OPEN_DRAIN: config.flags |= GPIOD_LINE_REQUEST_FLAG_OPEN_DRAIN; break;
    case CGPIOD_DRIVE_OPEN_SOURCE: config.flags |= GPIOD_LINE_REQUEST_FLAG_OPEN_SOURCE; break;
    default: return -EINVAL;
    }
    if (!output->keep) return request_line(chip, offset, &config, output->active ? 1 : 0, request);

    int error = request_line(chip, offset, &as_is, 0, request);
    if (error < 0) return error;
    int value = cgpiod_get(*request);
    if (value < 0) {
        error = value;
    } else if (gpiod_line_set_config((*request)->line, config.request_type, config.flags, value) < 0) {
        error = failure();
    }
    if (error < 0) cgpiod_release(*request);
    return error;
}

void cgpiod_release(struct cgpiod_request *request) {
    if (request == NULL) return;
    gpiod_line_release(request->line);
    gpiod_chip_close(request->chip);
    free(request);
}

int cgpiod_get(struct cgpiod_request *request) {
    int value = gpiod_line_get_value(request->line);
    return value < 0 ? failure() : value;
}

int cgpiod_set(struct cgpiod_request *request, bool active) {
    return gpiod_line_set_value(request->line, active ? 1 : 0) < 0 ? failure() : 0;
}

int cgpiod_fd(struct cgpiod_request *request) {
    int fd = gpiod_line_event_get_fd(request->line);
    return fd < 0 ? failure() : fd;
}

int cgpiod_read_edge(struct cgpiod_request *request, struct cgpiod_edge *edge) {
    int ready = cgpiod_wait_edge(request, 0);
    if (ready <= 0) return ready;
    struct gpiod_line_event event;
    if (gpiod_line_event_read(request->line, &event) < 0) return failure();
    edge->timestamp_ns = (uint64_t)event.ts.tv_sec * 1000000000u + (uint64_t)event.ts.tv_nsec;
    switch (event.event_type) {
    case GPIOD_LINE_EVENT_RISING_EDGE: edge->edge = CGPIOD_EDGE_RISING; return 1;
    case GPIOD_LINE_EVENT_FALLING_EDGE: edge->edge = CGPIOD_EDGE_FALLING; return 1;
    default: return -EBADE;
    }
}

#endif
