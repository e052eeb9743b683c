// What Swift's Glibc module cannot reach: termios2 with any baud rate, exclusive serial ports,
// pseudo-terminals, eventfd, ppoll with a nanosecond deadline.
//
// Every function that returns `int` gives a value >= 0 when it worked and -errno when it did not.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Opens a serial port for one owner: no controlling terminal, non-blocking, close-on-exec, TIOCEXCL and an
/// advisory lock (root passes TIOCEXCL, so the lock is what tells two Gantries apart).
/// -EBUSY when somebody else holds it, -ENOTTY when it is no terminal.
int cserial_open(const char *path);

/// Sets 8N1 raw at any baud rate (termios2, BOTHER), no flow control, no hang-up on close, then reads the
/// settings back: -EINVAL when the driver took something else.
int cserial_configure(int fd, uint32_t baud);

/// Asks the driver to hand over received bytes at once (ASYNC_LOW_LATENCY). Drivers without it give an error
/// that is safe to ignore.
int cserial_set_low_latency(int fd);

/// Raises (1) or drops (0) DTR; the reset line of boards with an Arduino-style bootloader hangs on it.
int cserial_set_dtr(int fd, int raised);

/// Throws away what is unread and unsent.
int cserial_discard(int fd);

/// Closes the port after giving back the exclusive use.
int cserial_close(int fd);

/// Opens a new pseudo-terminal: returns its master side (raw, close-on-exec, non-blocking) and writes the path
/// of its slave side.
int cserial_open_pty(char *slave_path, size_t capacity);

/// A non-blocking, close-on-exec eventfd.
int cserial_eventfd(void);

/// Adds one to an eventfd; never blocks.
int cserial_eventfd_signal(int fd);

/// Resets an eventfd to zero.
int cserial_eventfd_clear(int fd);

/// One descriptor to wait for. Same layout as `struct pollfd`.
struct cserial_pollfd {
    int fd;
    short events;
    short revents;
};

/// POLLIN, POLLOUT and the bits that mean "gone", as Swift constants.
enum { CSERIAL_IN = 0x001, CSERIAL_OUT = 0x004, CSERIAL_ERR = 0x008, CSERIAL_HUP = 0x010, CSERIAL_NVAL = 0x020 };

/// Waits until a descriptor is ready or `timeout_ns` passed (negative: for ever). Returns how many are ready; a
/// signal counts as none.
int cserial_poll(struct cserial_pollfd *fds, unsigned count, int64_t timeout_ns);

/// What a watched port and its wake-up have to say, as bits.
enum { CSERIAL_WATCH_PORT = 1, CSERIAL_WATCH_WAKE = 2 };

/// Watches a port and an eventfd (epoll) for one thread that waits for them again and again: returns a descriptor to close.
///
/// The port is watched for what is new (edge-triggered): whoever waits must have read it empty, or to the end of a short
/// read. Asking a terminal whether bytes are there makes the kernel wait for its own worker, which a thread of real-time
/// priority has just interrupted: two task switches for nothing, each time.
int cserial_watch(int port, int wake);

/// Changes whether it is also said when the port takes bytes again. Costs a system call.
int cserial_watch_output(int watch, int port, int wanted);

/// Waits for news or until `timeout_ns` passed, rounded up to milliseconds. Returns the bits of what is ready, 0 after the
/// timeout or a signal.
int cserial_watch_wait(int watch, uint64_t timeout_ns);

/// read(2) and write(2) with EINTR retried; -EAGAIN when nothing is there or nothing fits.
ssize_t cserial_read(int fd, void *buffer, size_t capacity);
ssize_t cserial_write(int fd, const void *bytes, size_t count);

/// CLOCK_MONOTONIC in nanoseconds.
uint64_t cserial_monotonic_ns(void);

/// Gives the calling thread the lowest real-time priority (SCHED_FIFO 1), before everything that is none; and, where the
/// limit for locked memory leaves room for all that may come, keeps the process's memory in RAM once it was touched. Returns 0
/// or the negative errno of the priority.
int cserial_become_realtime(void);

/// Names the calling thread (at most 15 bytes), as `ps -T` shows it.
int cserial_name_thread(const char *name);
