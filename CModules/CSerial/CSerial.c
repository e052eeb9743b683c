#define _GNU_SOURCE
#include "CSerial.h"

#include <asm/termbits.h>  // termios2; clashes with <termios.h>, hence raw ioctls below
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/serial.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(struct cserial_pollfd) == sizeof(struct pollfd), "same layout as struct pollfd");
_Static_assert(CSERIAL_IN == POLLIN && CSERIAL_OUT == POLLOUT && CSERIAL_ERR == POLLERR && CSERIAL_HUP == POLLHUP &&
                   CSERIAL_NVAL == POLLNVAL,
               "same bits as poll(2)");

static int fail_closing(int fd) {
    int error = errno;
    close(fd);
    return -error;
}

int cserial_open(const char *path) {
    // O_NOCTTY: a service is a session leader, and a port that became its controlling terminal would end it
    // with SIGHUP when the cable is pulled. O_NONBLOCK: do not wait for a carrier that never comes.
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return -errno;
    struct termios2 settings;
    if (ioctl(fd, TCGETS2, &settings) < 0) {
        errno = ENOTTY;
        return fail_closing(fd);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK) errno = EBUSY;
        return fail_closing(fd);
    }
    if (ioctl(fd, TIOCEXCL) < 0) return fail_closing(fd);
    return fd;
}

static int set_raw(int fd, uint32_t baud) {
    struct termios2 wanted, got;
    if (ioctl(fd, TCGETS2, &wanted) < 0) return -errno;
    wanted.c_iflag = IGNBRK | IGNPAR;
    wanted.c_oflag = 0;
    wanted.c_lflag = 0;
    wanted.c_cflag = CS8 | CREAD | CLOCAL;
    if (baud != 0) {
        wanted.c_cflag |= BOTHER | (BOTHER << IBSHIFT);
        wanted.c_ispeed = baud;
        wanted.c_ospeed = baud;
    } else {
        wanted.c_cflag |= B38400;
    }
    memset(wanted.c_cc, 0, sizeof wanted.c_cc);
    wanted.c_cc[VMIN] = 1;
    if (ioctl(fd, TCSETS2, &wanted) < 0) return -errno;
    if (baud == 0) return 0;
    if (ioctl(fd, TCGETS2, &got) < 0) return -errno;
    // UARTs divide a clock: a rate within 3 % is what the wire tolerates, anything else is another rate.
    uint32_t off = got.c_ospeed > baud ? got.c_ospeed - baud : baud - got.c_ospeed;
    if ((uint64_t)off * 100 > (uint64_t)baud * 3) return -EINVAL;
    if ((got.c_cflag & (CSIZE | PARENB | CSTOPB)) != CS8 || (got.c_lflag & (ICANON | ECHO | ISIG)) != 0) return -EINVAL;
    return 0;
}

int cserial_configure(int fd, uint32_t baud) {
    return baud == 0 ? -EINVAL : set_raw(fd, baud);
}

int cserial_set_low_latency(int fd) {
    struct serial_struct info;
    if (ioctl(fd, TIOCGSERIAL, &info) < 0) return -errno;
    if (info.flags & ASYNC_LOW_LATENCY) return 0;
    info.flags |= ASYNC_LOW_LATENCY;
    return ioctl(fd, TIOCSSERIAL, &info) < 0 ? -errno : 0;
}

int cserial_set_dtr(int fd, int raised) {
    int bit = TIOCM_DTR;
    return ioctl(fd, raised ? TIOCMBIS : TIOCMBIC, &bit) < 0 ? -errno : 0;
}

int cserial_discard(int fd) {
    return ioctl(fd, TCFLSH, TCIOFLUSH) < 0 ? -errno : 0;
}

int cserial_close(int fd) {
    // A TIOCEXCL left behind would lock out the next user of a pseudo-terminal that outlives this process.
    ioctl(fd, TIOCNXCL);
    return close(fd) < 0 ? -errno : 0;
}

int cserial_open_pty(char *slave_path, size_t capacity) {
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return -errno;
    if (grantpt(fd) < 0 || unlockpt(fd) < 0) return fail_closing(fd);
    int error = ptsname_r(fd, slave_path, capacity);
    if (error != 0) {
        errno = error;
        return fail_closing(fd);
    }
    int raw = set_raw(fd, 0);
    if (raw < 0) {
        errno = -raw;
        return fail_closing(fd);
    }
    return fd;
}

int cserial_eventfd(void) {
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int cserial_eventfd_signal(int fd) {
    uint64_t one = 1;
    // EAGAIN means that the counter is full: the reader is signalled already.
    ssize_t written = cserial_write(fd, &one, sizeof one);
    if (written < 0 && written != -EAGAIN) return (int)written;
    return 0;
}

int cserial_eventfd_clear(int fd) {
    uint64_t count;
    ssize_t got = cserial_read(fd, &count, sizeof count);
    if (got < 0 && got != -EAGAIN) return (int)got;
    return 0;
}

int cserial_poll(struct cserial_pollfd *fds, unsigned count, int64_t timeout_ns) {
    struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    int ready = ppoll((struct pollfd *)fds, count, timeout_ns < 0 ? NULL : &timeout, NULL);
    if (ready >= 0) return ready;
    return errno == EINTR ? 0 : -errno;
}

int cserial_watch(int port, int wake) {
    int watch = epoll_create1(EPOLL_CLOEXEC);
    if (watch < 0) return -errno;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = CSERIAL_WATCH_WAKE};
    if (epoll_ctl(watch, EPOLL_CTL_ADD, wake, &event) < 0) return fail_closing(watch);
    event = (struct epoll_event){.events = EPOLLIN | EPOLLET, .data.u32 = CSERIAL_WATCH_PORT};
    if (epoll_ctl(watch, EPOLL_CTL_ADD, port, &event) < 0) return fail_closing(watch);
    return watch;
}

int cserial_watch_output(int watch, int port, int wanted) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLET | (wanted ? EPOLLOUT : 0), .data.u32 = CSERIAL_WATCH_PORT};
    return epoll_ctl(watch, EPOLL_CTL_MOD, port, &event) < 0 ? -errno : 0;
}

int cserial_watch_wait(int watch, uint64_t timeout_ns) {
    struct epoll_event events[2];
    uint64_t milliseconds = timeout_ns / 1000000 + (timeout_ns % 1000000 != 0);
    int count = epoll_wait(watch, events, 2, milliseconds > INT_MAX ? INT_MAX : (int)milliseconds);
    if (count < 0) return errno == EINTR ? 0 : -errno;
    int result = 0;
    for (int index = 0; index < count; index++) result |= (int)events[index].data.u32;
    return result;
}

ssize_t cserial_read(int fd, void *buffer, size_t capacity) {
    ssize_t count;
    do count = read(fd, buffer, capacity);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

ssize_t cserial_write(int fd, const void *bytes, size_t count) {
    ssize_t written;
    do written = write(fd, bytes, count);
    while (written < 0 && errno == EINTR);
    return written < 0 ? -errno : written;
}

uint64_t cserial_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int cserial_name_thread(const char *name) {
    return -pthread_setname_np(pthread_self(), name);
}

int cserial_become_realtime(void) {
    // With a limit, everything that is mapped later counts, stacks of threads among it: mapping would fail.
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY)
        mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
    struct sched_param wanted = {.sched_priority = 1};
    int error = pthread_setschedparam(pthread_self(), SCHED_FIFO, &wanted);
    return -error;
}
