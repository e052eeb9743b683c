// Pictures from V4L2 devices that give MJPEG: ioctl is variadic, and its requests are macros, which Swift cannot
// import. Needs the kernel's header only.
//
// Every function that returns `int` gives a value >= 0 when it worked and -errno when it did not. One thread at a time
// per descriptor.
#pragma once

#include <linux/videodev2.h>
#include <stddef.h>
#include <stdint.h>

/// The system calls beneath, so that a test can put a camera of its own there. Each returns -errno when it fails.
struct cv4l2_calls {
    int (*open)(const char *path);
    int (*close)(int fd);
    int (*ioctl)(int fd, unsigned long request, void *argument);
    /// 1 when a picture is ready, 0 after `timeout_ms`.
    int (*wait)(int fd, int timeout_ms);
    /// NULL when it fails.
    void *(*map)(int fd, size_t length, int64_t offset);
    int (*unmap)(void *address, size_t length);
};

/// Those of the operating system.
extern const struct cv4l2_calls cv4l2_system;

/// The requests as numbers.
enum cv4l2_request {
    CV4L2_QUERYCAP = VIDIOC_QUERYCAP,
    CV4L2_ENUM_FMT = VIDIOC_ENUM_FMT,
    CV4L2_ENUM_FRAMESIZES = VIDIOC_ENUM_FRAMESIZES,
    CV4L2_S_FMT = VIDIOC_S_FMT,
    CV4L2_REQBUFS = VIDIOC_REQBUFS,
    CV4L2_QUERYBUF = VIDIOC_QUERYBUF,
    CV4L2_QBUF = VIDIOC_QBUF,
    CV4L2_DQBUF = VIDIOC_DQBUF,
    CV4L2_STREAMON = VIDIOC_STREAMON,
    CV4L2_STREAMOFF = VIDIOC_STREAMOFF,
    CV4L2_QUERYCTRL = VIDIOC_QUERYCTRL,
    CV4L2_QUERYMENU = VIDIOC_QUERYMENU,
    CV4L2_S_CTRL = VIDIOC_S_CTRL,
};

/// The controls that are used, as numbers.
enum cv4l2_control_id {
    /// Degrees.
    CV4L2_ROTATE = V4L2_CID_ROTATE,
    /// A menu of V4L2_EXPOSURE_AUTO, _MANUAL, _SHUTTER_PRIORITY and _APERTURE_PRIORITY.
    CV4L2_EXPOSURE_AUTO = V4L2_CID_EXPOSURE_AUTO,
    /// 0.1 ms.
    CV4L2_EXPOSURE_ABSOLUTE = V4L2_CID_EXPOSURE_ABSOLUTE,
    /// A menu of numbers: 0.001 EV.
    CV4L2_AUTO_EXPOSURE_BIAS = V4L2_CID_AUTO_EXPOSURE_BIAS,
    /// 0 or 1.
    CV4L2_FOCUS_AUTO = V4L2_CID_FOCUS_AUTO,
    /// Without unit; larger is nearer.
    CV4L2_FOCUS_ABSOLUTE = V4L2_CID_FOCUS_ABSOLUTE,
};

/// What a control takes; of a menu, the range of its indices.
struct cv4l2_range {
    int32_t minimum;
    int32_t maximum;
    int32_t step;
    int32_t standard;
};

/// Opens a device that captures by streaming. -ENODEV when it is a device of another kind.
int cv4l2_open(const struct cv4l2_calls *calls, const char *path);

int cv4l2_close(const struct cv4l2_calls *calls, int fd);

/// Writes the card's name and where it is plugged in, both with a final NUL.
int cv4l2_names(const struct cv4l2_calls *calls, int fd, char card[32], char bus[32]);

/// The fourcc of the format that is a JPEG for each picture: MJPG, else JPEG; 0 when there is none.
int64_t cv4l2_format(const struct cv4l2_calls *calls, int fd);

/// The size with this number; -EINVAL behind the last one. Of a range only its largest size.
int cv4l2_size(const struct cv4l2_calls *calls, int fd, uint32_t format, uint32_t index, uint32_t *width,
               uint32_t *height);

/// What a control takes; -EINVAL when the device does not have it or lets nobody set it.
int cv4l2_range(const struct cv4l2_calls *calls, int fd, uint32_t control, struct cv4l2_range *range);

/// Writes the number that an entry of a menu stands for, 0 where it stands for a text; -EINVAL when there is no such
/// entry.
int cv4l2_menu_entry(const struct cv4l2_calls *calls, int fd, uint32_t control, uint32_t index, int64_t *number);

/// Sets a control.
int cv4l2_set(const struct cv4l2_calls *calls, int fd, uint32_t control, int32_t value);

/// Takes a picture: starts the stream, throws away `skipped` pictures (the exposure settles meanwhile), copies the
/// next one, stops. Returns its length; -ETIMEDOUT after `timeout_ms`, -ENOTSUP when the device takes another format,
/// -EMSGSIZE when the picture is longer than `capacity`.
int64_t cv4l2_take(const struct cv4l2_calls *calls, int fd, uint32_t format, uint32_t width, uint32_t height,
                   int skipped, int timeout_ms, void *picture, size_t capacity);
