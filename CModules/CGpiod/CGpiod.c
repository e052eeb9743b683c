// What does not depend on the generation of libgpiod: finding chips, waiting for edges.
#define _GNU_SOURCE
#include "CGpiod.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int ascending(const void *left, const void *right) {
    unsigned a = *(const unsigned *)left, b = *(const unsigned *)right;
    return (a > b) - (a < b);
}

// The N of "gpiochipN", or -1 for any other name.
static long chip_number(const char *name) {
    static const char prefix[] = "gpiochip";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) return -1;
    const char *digits = name + sizeof prefix - 1;
    if (!isdigit((unsigned char)*digits) || strlen(digits) > 6) return -1;
    char *end;
    long number = strtol(digits, &end, 10);
    return *end == '\0' ? number : -1;
}

int cgpiod_list_chips(unsigned *numbers, unsigned capacity) {
    DIR *directory = opendir("/dev");
    if (directory == NULL) return -errno;
    unsigned count = 0;
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        long number = chip_number(entry->d_name);
        struct stat status;
        if (number < 0 || fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0) continue;
        if (!S_ISCHR(status.st_mode)) continue;
        if (count < capacity) numbers[count] = (unsigned)number;
        count++;
    }
    closedir(directory);
    if (numbers != NULL) qsort(numbers, count < capacity ? count : capacity, sizeof *numbers, ascending);
    return (int)count;
}

int cgpiod_wait_edge(struct cgpiod_request *request, int64_t timeout_ns) {
    int fd = cgpiod_fd(request);
    if (fd < 0) return fd;
    struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int ready = ppoll(&wait, 1, timeout_ns < 0 ? NULL : &timeout, NULL);
    if (ready < 0) return errno == EINTR ? 0 : -errno;
    if (ready == 0) return 0;
    // A chip that was unplugged (USB GPIO adapters) reports only errors from then on.
    return (wait.revents & POLLIN) != 0 ? 1 : -ENODEV;
}
