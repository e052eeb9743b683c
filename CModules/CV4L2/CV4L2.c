#define _GNU_SOURCE
#include "CV4L2.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int system_open(const char *path) {
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return fd < 0 ? -errno : fd;
}

static int system_close(int fd) {
    return close(fd) < 0 ? -errno : 0;
}

static int system_ioctl(int fd, unsigned long request, void *argument) {
    int result;
    do {
        result = ioctl(fd, request, argument);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : result;
}

static int system_wait(int fd, int timeout_ms) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int result = poll(&wait, 1, timeout_ms);
    if (result < 0) return errno == EINTR ? 0 : -errno;
    // A camera that was unplugged.
    if (result > 0 && !(wait.revents & POLLIN)) return -EIO;
    return result;
}

static void *system_map(int fd, size_t length, int64_t offset) {
    void *address = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
    return address == MAP_FAILED ? NULL : address;
}

static int system_unmap(void *address, size_t length) {
    return munmap(address, length) < 0 ? -errno : 0;
}

const struct cv4l2_calls cv4l2_system = {
    .open = system_open,
    .close = system_close,
    .ioctl = system_ioctl,
    .wait = system_wait,
    .map = system_map,
    .unmap = system_unmap,
};

int cv4l2_open(const struct cv4l2_calls *calls, const char *path) {
    int fd = calls->open(path);
    if (fd < 0) return fd;
    struct v4l2_capability capability = {0};
    int result = calls->ioctl(fd, VIDIOC_QUERYCAP, &capability);
    uint32_t needed = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
    uint32_t has = capability.capabilities;
    // The device as a whole can do more than this one node of it.
    if (has & V4L2_CAP_DEVICE_CAPS) has = capability.device_caps;
    if (result >= 0 && (has & needed) == needed) return fd;
    calls->close(fd);
    // ENOTTY: no video device at all.
    return result < 0 && result != -ENOTTY ? result : -ENODEV;
}

int cv4l2_close(const struct cv4l2_calls *calls, int fd) {
    return calls->close(fd);
}

int cv4l2_names(const struct cv4l2_calls *calls, int fd, char card[32], char bus[32]) {
    struct v4l2_capability capability = {0};
    int result = calls->ioctl(fd, VIDIOC_QUERYCAP, &capability);
    if (result < 0) return result;
    memcpy(card, capability.card, 32);
    memcpy(bus, capability.bus_info, 32);
    card[31] = bus[31] = 0;
    return 0;
}

int64_t cv4l2_format(const struct cv4l2_calls *calls, int fd) {
    uint32_t found = 0;
    // A driver that counts for ever is a broken one.
    for (uint32_t index = 0; index < 64; index++) {
        struct v4l2_fmtdesc format = {.index = index, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
        int result = calls->ioctl(fd, VIDIOC_ENUM_FMT, &format);
        if (result == -EINVAL) break;
        if (result < 0) return result;
        if (format.pixelformat == V4L2_PIX_FMT_MJPEG) return V4L2_PIX_FMT_MJPEG;
        if (format.pixelformat == V4L2_PIX_FMT_JPEG) found = V4L2_PIX_FMT_JPEG;
    }
    return found;
}

int cv4l2_size(const struct cv4l2_calls *calls, int fd, uint32_t format, uint32_t index, uint32_t *width,
               uint32_t *height) {
    struct v4l2_frmsizeenum size = {.index = index, .pixel_format = format};
    int result = calls->ioctl(fd, VIDIOC_ENUM_FRAMESIZES, &size);
    if (result < 0) return result;
    if (size.type == V4L2_FRMSIZE_TYPE_DISCRETE) {
        *width = size.discrete.width;
        *height = size.discrete.height;
    } else if (index == 0) {
        *width = size.stepwise.max_width;
        *height = size.stepwise.max_height;
    } else {
        return -EINVAL;
    }
    return 0;
}

int cv4l2_range(const struct cv4l2_calls *calls, int fd, uint32_t control, struct cv4l2_range *range) {
    struct v4l2_queryctrl query = {.id = control};
    int result = calls->ioctl(fd, VIDIOC_QUERYCTRL, &query);
    if (result < 0) return result;
    // Inactive is not for ever: the exposure's time is so while the exposure is automatic.
    if (query.flags & (V4L2_CTRL_FLAG_DISABLED | V4L2_CTRL_FLAG_READ_ONLY)) return -EINVAL;
    range->minimum = query.minimum;
    range->maximum = query.maximum;
    range->step = query.step;
    range->standard = query.default_value;
    return 0;
}

int cv4l2_menu_entry(const struct cv4l2_calls *calls, int fd, uint32_t control, uint32_t index, int64_t *number) {
    struct v4l2_queryctrl query = {.id = control};
    int result = calls->ioctl(fd, VIDIOC_QUERYCTRL, &query);
    if (result < 0) return result;
    struct v4l2_querymenu entry = {.id = control, .index = index};
    result = calls->ioctl(fd, VIDIOC_QUERYMENU, &entry);
    if (result < 0) return result;
    *number = query.type == V4L2_CTRL_TYPE_INTEGER_MENU ? entry.value : 0;
    return 0;
}

int cv4l2_set(const struct cv4l2_calls *calls, int fd, uint32_t control, int32_t value) {
    struct v4l2_control setting = {.id = control, .value = value};
    return calls->ioctl(fd, VIDIOC_S_CTRL, &setting);
}

enum { BUFFERS = 4 };

struct buffers {
    uint32_t count;
    struct {
        void *address;
        size_t length;
    } at[BUFFERS];
};

static int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int queue(const struct cv4l2_calls *calls, int fd, uint32_t index) {
    struct v4l2_buffer buffer = {
        .index = index, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
    return calls->ioctl(fd, VIDIOC_QBUF, &buffer);
}

/// Maps the driver's buffers and hands them to it. What is mapped is counted even when a later one fails.
static int map_buffers(const struct cv4l2_calls *calls, int fd, struct buffers *buffers) {
    struct v4l2_requestbuffers request = {
        .count = BUFFERS, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
    int result = calls->ioctl(fd, VIDIOC_REQBUFS, &request);
    if (result < 0) return result;
    if (request.count == 0) return -ENOMEM;
    // The driver may give more than it was asked for.
    uint32_t count = request.count < BUFFERS ? request.count : BUFFERS;
    for (uint32_t index = 0; index < count; index++) {
        struct v4l2_buffer buffer = {
            .index = index, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
        result = calls->ioctl(fd, VIDIOC_QUERYBUF, &buffer);
        if (result < 0) return result;
        void *address = calls->map(fd, buffer.length, buffer.m.offset);
        if (address == NULL) return -ENOMEM;
        buffers->at[index].address = address;
        buffers->at[index].length = buffer.length;
        buffers->count = index + 1;
        result = queue(calls, fd, index);
        if (result < 0) return result;
    }
    return 0;
}

static void unmap_buffers(const struct cv4l2_calls *calls, int fd, const struct buffers *buffers) {
    for (uint32_t index = 0; index < buffers->count; index++) {
        calls->unmap(buffers->at[index].address, buffers->at[index].length);
    }
    struct v4l2_requestbuffers none = {
        .count = 0, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
    calls->ioctl(fd, VIDIOC_REQBUFS, &none);
}

/// Waits for a whole picture that is not to be skipped, and copies it.
static int64_t receive(const struct cv4l2_calls *calls, int fd, const struct buffers *buffers, int skipped,
                       int timeout_ms, void *picture, size_t capacity) {
    int64_t deadline = now_ms() + timeout_ms;
    for (;;) {
        int64_t left = deadline - now_ms();
        if (left <= 0) return -ETIMEDOUT;
        int result = calls->wait(fd, (int)left);
        if (result < 0) return result;
        if (result == 0) continue;
        struct v4l2_buffer buffer = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
        result = calls->ioctl(fd, VIDIOC_DQBUF, &buffer);
        if (result == -EAGAIN) continue;
        if (result < 0) return result;
        if (buffer.index >= buffers->count) return -EIO;
        if (buffer.bytesused > buffers->at[buffer.index].length) return -EIO;
        int is_whole = !(buffer.flags & V4L2_BUF_FLAG_ERROR) && buffer.bytesused > 0;
        if (is_whole && skipped-- <= 0) {
            if (buffer.bytesused > capacity) return -EMSGSIZE;
            memcpy(picture, buffers->at[buffer.index].address, buffer.bytesused);
            return buffer.bytesused;
        }
        result = queue(calls, fd, buffer.index);
        if (result < 0) return result;
    }
}

int64_t cv4l2_take(const struct cv4l2_calls *calls, int fd, uint32_t format, uint32_t width, uint32_t height,
                   int skipped, int timeout_ms, void *picture, size_t capacity) {
    struct v4l2_format wanted = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
    wanted.fmt.pix.width = width;
    wanted.fmt.pix.height = height;
    wanted.fmt.pix.pixelformat = format;
    wanted.fmt.pix.field = V4L2_FIELD_ANY;
    int result = calls->ioctl(fd, VIDIOC_S_FMT, &wanted);
    if (result < 0) return result;
    // The driver takes what is nearest, which may be something else altogether.
    if (wanted.fmt.pix.pixelformat != format) return -ENOTSUP;
    struct buffers buffers = {0};
    int64_t length = map_buffers(calls, fd, &buffers);
    int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    if (length >= 0) length = calls->ioctl(fd, VIDIOC_STREAMON, &type);
    if (length >= 0) {
        length = receive(calls, fd, &buffers, skipped, timeout_ms, picture, capacity);
        calls->ioctl(fd, VIDIOC_STREAMOFF, &type);
    }
    unmap_buffers(calls, fd, &buffers);
    return length;
}
