// CGpiod over libgpiod 2.x. GPIOD_BIT is a macro of 1.x's header only.
#include <gpiod.h>
#ifndef GPIOD_BIT

#include "CGpiod.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct cgpiod_chip {
    struct gpiod_chip *chip;
    struct gpiod_chip_info *info;
};

struct cgpiod_request {
    struct gpiod_line_request *request;
    struct gpiod_edge_event_buffer *events;  // NULL when no edges were asked for
    unsigned offset;
};

// One at a time: the kernel keeps the others, so the descriptor stays readable until the last one is taken.
enum { EVENT_CAPACITY = 1 };

// libgpiod promises errno for every failure; 0 must still not look like success.
static int failure(void) {
    return errno > 0 ? -errno : -EIO;
}

const char *cgpiod_version(void) {
    return gpiod_api_version();
}

int cgpiod_generation(void) {
    return 2;
}

int cgpiod_chip_open(const char *path, struct cgpiod_chip **result) {
    struct cgpiod_chip *chip = calloc(1, sizeof *chip);
    if (chip == NULL) return -ENOMEM;
    chip->chip = gpiod_chip_open(path);
    if (chip->chip != NULL) chip->info = gpiod_chip_get_info(chip->chip);
    if (chip->info == NULL) {
        int error = failure();
        if (chip->chip != NULL) gpiod_chip_close(chip->chip);
        free(chip);
        return error;
    }
    *result = chip;
    return 0;
}

void cgpiod_chip_close(struct cgpiod_chip *chip) {
    if (chip == NULL) return;
    gpiod_chip_info_free(chip->info);
    gpiod_chip_close(chip->chip);
    free(chip);
}

const char *cgpiod_chip_name(struct cgpiod_chip *chip) {
    return gpiod_chip_info_get_name(chip->info);
}

const char *cgpiod_chip_label(struct cgpiod_chip *chip) {
    return gpiod_chip_info_get_label(chip->info);
}

unsigned cgpiod_chip_line_count(struct cgpiod_chip *chip) {
    return (unsigned)gpiod_chip_info_get_num_lines(chip->info);
}

static void copy_name(char *to, const char *from) {
    if (from != NULL) strncpy(to, from, CGPIOD_NAME_SIZE - 1);
}

static int bias_from(enum gpiod_line_bias bias) {
    switch (bias) {
    case GPIOD_LINE_BIAS_AS_IS:
    case GPIOD_LINE_BIAS_UNKNOWN: return CGPIOD_BIAS_UNKNOWN;
    case GPIOD_LINE_BIAS_DISABLED: return CGPIOD_BIAS_DISABLED;
    case GPIOD_LINE_BIAS_PULL_UP: return CGPIOD_BIAS_PULL_UP;
    case GPIOD_LINE_BIAS_PULL_DOWN: return CGPIOD_BIAS_PULL_DOWN;
    }
    return -EBADE;
}

static int drive_from(enum gpiod_line_drive drive) {
    switch (drive) {
    case GPIOD_LINE_DRIVE_PUSH_PULL: return CGPIOD_DRIVE_PUSH_PULL;
    case GPIOD_LINE_DRIVE_OPEN_DRAIN: return CGPIOD_DRIVE_OPEN_DRAIN;
    case GPIOD_LINE_DRIVE_OPEN_SOURCE: return CGPIOD_DRIVE_OPEN_SOURCE;
    }
    return -EBADE;
}

int cgpiod_line_info(struct cgpiod_chip *chip, unsigned offset, struct cgpiod_line_info *info) {
    struct gpiod_line_info *line = gpiod_chip_get_line_info(chip->chip, offset);
    if (line == NULL) return failure();
    memset(info, 0, sizeof *info);
    copy_name(info->name, gpiod_line_info_get_name(line));
    copy_name(info->consumer, gpiod_line_info_get_consumer(line));
    info->used = gpiod_line_info_is_used(line);
    info->output = gpiod_line_info_get_direction(line) == GPIOD_LINE_DIRECTION_OUTPUT;
    info->active_low = gpiod_line_info_is_active_low(line);
    info->bias = bias_from(gpiod_line_info_get_bias(line));
    info->drive = drive_from(gpiod_line_info_get_drive(line));
    gpiod_line_info_free(line);
    if (info->bias < 0) return info->bias;
    return info->drive < 0 ? info->drive : 0;
}

static int request_line(struct cgpiod_chip *chip, unsigned offset, const char *consumer,
                        struct gpiod_line_settings *settings, bool edges, struct cgpiod_request **result) {
    int error = -ENOMEM;
    struct cgpiod_request *request = calloc(1, sizeof *request);
    struct gpiod_line_config *lines = gpiod_line_config_new();
    struct gpiod_request_config *config = gpiod_request_config_new();
    if (request == NULL || lines == NULL || config == NULL) goto done;
    request->offset = offset;
    if (edges) {
        request->events = gpiod_edge_event_buffer_new(EVENT_CAPACITY);
        if (request->events == NULL) goto done;
    }
    gpiod_request_config_set_consumer(config, consumer);
    if (gpiod_line_config_add_line_settings(lines, &offset, 1, settings) < 0) {
        error = failure();
        goto done;
    }
    request->request = gpiod_chip_request_lines(chip->chip, config, lines);
    error = request->request == NULL ? failure() : 0;

done:
    gpiod_request_config_free(config);
    gpiod_line_config_free(lines);
    if (error == 0) {
        *result = request;
    } else if (request != NULL) {
        gpiod_edge_event_buffer_free(request->events);
        free(request);
    }
    return error;
}

static int edge_detection(int edges) {
    switch (edges) {
    case 0: return GPIOD_LINE_EDGE_NONE;
    case CGPIOD_EDGE_RISING: return GPIOD_LINE_EDGE_RISING;
    case CGPIOD_EDGE_FALLING: return GPIOD_LINE_EDGE_FALLING;
    case CGPIOD_EDGE_RISING | CGPIOD_EDGE_FALLING: return GPIOD_LINE_EDGE_BOTH;
    default: return -EINVAL;
    }
}

static int bias_setting(int bias) {
    switch (bias) {
    case CGPIOD_BIAS_AS_IS: return GPIOD_LINE_BIAS_AS_IS;
    case CGPIOD_BIAS_DISABLED: return GPIOD_LINE_BIAS_DISABLED;
    case CGPIOD_BIAS_PULL_UP: return GPIOD_LINE_BIAS_PULL_UP;
    case CGPIOD_BIAS_PULL_DOWN: return GPIOD_LINE_BIAS_PULL_DOWN;
    default: return -EINVAL;
    }
}

int cgpiod_request_input(struct cgpiod_chip *chip, unsigned offset, const char *consumer,
                         const struct cgpiod_input *input, struct cgpiod_request **request) {
    int edges = edge_detection(input->edges), bias = bias_setting(input->bias);
    if (edges < 0) return edges;
    if (bias < 0) return bias;
    struct gpiod_line_settings *settings = gpiod_line_settings_new();
    if (settings == NULL) return -ENOMEM;
    int error;
    if (gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_INPUT) < 0 ||
        gpiod_line_settings_set_edge_detection(settings, (enum gpiod_line_edge)edges) < 0 ||
        gpiod_line_settings_set_bias(settings, (enum gpiod_line_bias)bias) < 0) {
        error = failure();
    } else {
        gpiod_line_settings_set_active_low(settings, input->active_low);
        gpiod_line_settings_set_debounce_period_us(settings, input->debounce_us);
        error = request_line(chip, offset, consumer, settings, input->edges != 0, request);
    }
    gpiod_line_settings_free(settings);
    return error;
}

static int drive_setting(int drive) {
    switch (drive) {
    case CGPIOD_DRIVE_PUSH_PULL: return GPIOD_LINE_DRIVE_PUSH_PULL;
    case CGPIOD_DRIVE_OPEN_DRAIN: return GPIOD_LINE_DRIVE_OPEN_DRAIN;
    case CGPIOD_DRIVE_OPEN_SOURCE: return GPIOD_LINE_DRIVE_OPEN_SOURCE;
    default: return -EINVAL;
    }
}

static enum gpiod_line_value value_from(bool active) {
    return active ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE;
}

// Drives a line that is held as it is, at the value that it has.
static int keep_value(struct cgpiod_request *request, struct gpiod_line_settings *settings, int drive) {
    int value = cgpiod_get(request);
    if (value < 0) return value;
    struct gpiod_line_config *lines = gpiod_line_config_new();
    if (lines == NULL) return -ENOMEM;
    int error = 0;
    if (gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_OUTPUT) < 0 ||
        gpiod_line_settings_set_drive(settings, (enum gpiod_line_drive)drive) < 0 ||
        gpiod_line_settings_set_output_value(settings, value_from(value == 1)) < 0 ||
        gpiod_line_config_add_line_settings(lines, &request->offset, 1, settings) < 0 ||
        gpiod_line_request_reconfigure_lines(request->request, lines) < 0) {
        error = failure();
    }
    gpiod_line_config_free(lines);
    return error;
}

int cgpiod_request_output(struct cgpiod_chip *chip, unsigned offset, const char *consumer,
                          const struct cgpiod_output *output, struct cgpiod_request **request) {
    int drive = drive_setting(output->drive);
    if (drive < 0) return drive;
    struct gpiod_line_settings *settings = gpiod_line_settings_new();
    if (settings == NULL) return -ENOMEM;
    gpiod_line_settings_set_active_low(settings, output->active_low);
    int error = 0;
    if (output->keep) {
        if (gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_AS_IS) < 0) error = failure();
    } else if (gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_OUTPUT) < 0 ||
               gpiod_line_settings_set_drive(settings, (enum gpiod_line_drive)drive) < 0 ||
               gpiod_line_settings_set_output_value(settings, value_from(output->active)) < 0) {
        error = failure();
    }
    if (error == 0) error = request_line(chip, offset, consumer, settings, false, request);
    if (error == 0 && output->keep) {
        error = keep_value(*request, settings, drive);
        if (error < 0) cgpiod_release(*request);
    }
    gpiod_line_settings_free(settings);
    return error;
}

void cgpiod_release(struct cgpiod_request *request) {
    if (request == NULL) return;
    gpiod_line_request_release(request->request);
    gpiod_edge_event_buffer_free(request->events);
    free(request);
}

int cgpiod_get(struct cgpiod_request *request) {
    switch (gpiod_line_request_get_value(request->request, request->offset)) {
    case GPIOD_LINE_VALUE_ACTIVE: return 1;
    case GPIOD_LINE_VALUE_INACTIVE: return 0;
    case GPIOD_LINE_VALUE_ERROR: return failure();
    }
    return -EBADE;
}

int cgpiod_set(struct cgpiod_request *request, bool active) {
    return gpiod_line_request_set_value(request->request, request->offset, value_from(active)) < 0 ? failure() : 0;
}

int cgpiod_fd(struct cgpiod_request *request) {
    if (request->events == NULL) return -EPERM;  // as 1.x says for a line without edges
    int fd = gpiod_line_request_get_fd(request->request);
    return fd < 0 ? failure() : fd;
}

int cgpiod_read_edge(struct cgpiod_request *request, struct cgpiod_edge *edge) {
    int ready = cgpiod_wait_edge(request, 0);
    if (ready <= 0) return ready;
    int count = gpiod_line_request_read_edge_events(request->request, request->events, EVENT_CAPACITY);
    if (count < 0) return failure();
    struct gpiod_edge_event *event = count > 0 ? gpiod_edge_event_buffer_get_event(request->events, 0) : NULL;
    if (event == NULL) return -EIO;
    edge->timestamp_ns = gpiod_edge_event_get_timestamp_ns(event);
    switch (gpiod_edge_event_get_event_type(event)) {
    case GPIOD_EDGE_EVENT_RISING_EDGE: edge->edge = CGPIOD_EDGE_RISING; return 1;
    case GPIOD_EDGE_EVENT_FALLING_EDGE: edge->edge = CGPIOD_EDGE_FALLING; return 1;
    }
    return -EBADE;
}

#endif
