// The simulated printer's process and its pseudo-terminal.
#define _GNU_SOURCE
#include "CBench.h"
#include "Protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

struct cbench_printer {
    pid_t process;
    struct cbench_printer_stats *stats;  // shared with the process
    char path[64];
};

// Opens both sides. The printer keeps the slave open too: without any opener its master reads end-of-file.
static int open_pty(int *slave, char *path, size_t capacity) {
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0) return -errno;
    struct termios settings;
    int error = 0;
    *slave = -1;
    if (grantpt(master) < 0 || unlockpt(master) < 0) {
        error = errno;
    } else {
        error = ptsname_r(master, path, capacity);
    }
    if (error == 0) {
        *slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (*slave < 0 || tcgetattr(*slave, &settings) < 0) error = errno;
    }
    if (error == 0) {
        // Raw before anybody writes: an echoing terminal would send the host's lines back to it.
        cfmakeraw(&settings);
        if (tcsetattr(*slave, TCSANOW, &settings) < 0) error = errno;
    }
    if (error == 0) return master;
    if (*slave >= 0) close(*slave);
    close(master);
    return -error;
}

static _Noreturn void run(int master, const struct cbench_printer_options *options, struct cbench_printer_stats *stats,
                          pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);  // it died before the line above
    prctl(PR_SET_NAME, "bench-printer");
    if (options->baud == 0 && options->move_ns == 0) {
        run_unpaced(master, stats);
    } else {
        run_timed(master, options, stats);
    }
    _exit(1);
}

static void use_cores(bool last) {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    if (count < 2 || count > CPU_SETSIZE) return;
    cpu_set_t cores;
    CPU_ZERO(&cores);
    for (long core = last ? count - 1 : 0; core < (last ? count : count - 1); core++) CPU_SET((size_t)core, &cores);
    // Where it is not allowed the figures are what the scheduler makes of them.
    (void)sched_setaffinity(0, sizeof cores, &cores);
}

void cbench_use_host_cores(void) {
    use_cores(false);
}

int cbench_printer_start(const struct cbench_printer_options *options, struct cbench_printer **result) {
    struct cbench_printer *printer = calloc(1, sizeof *printer);
    if (printer == NULL) return -ENOMEM;
    int error, slave = -1;
    int master = open_pty(&slave, printer->path, sizeof printer->path);
    if (master < 0) {
        free(printer);
        return master;
    }
    printer->stats =
        mmap(NULL, sizeof *printer->stats, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (printer->stats == MAP_FAILED) {
        error = -errno;
    } else {
        pid_t parent = getpid();
        printer->process = fork();
        if (printer->process == 0) {
            use_cores(true);
            run(master, options, printer->stats, parent);
        }
        error = printer->process < 0 ? -errno : 0;
    }
    close(master);
    close(slave);
    if (error == 0) {
        *result = printer;
    } else {
        if (printer->stats != MAP_FAILED) munmap(printer->stats, sizeof *printer->stats);
        free(printer);
    }
    return error;
}

const char *cbench_printer_path(struct cbench_printer *printer) {
    return printer->path;
}

static uint64_t cpu_of(const struct rusage *usage) {
    uint64_t seconds = (uint64_t)usage->ru_utime.tv_sec + (uint64_t)usage->ru_stime.tv_sec;
    uint64_t microseconds = (uint64_t)usage->ru_utime.tv_usec + (uint64_t)usage->ru_stime.tv_usec;
    return seconds * 1000000000u + microseconds * 1000u;
}

void cbench_printer_stop(struct cbench_printer *printer, struct cbench_printer_stats *stats, uint64_t *cpu_ns) {
    // Its state is in the shared memory at every moment, so there is nothing to say goodbye for.
    kill(printer->process, SIGKILL);
    struct rusage usage = {0};
    while (wait4(printer->process, NULL, 0, &usage) < 0 && errno == EINTR) {}
    *stats = *printer->stats;
    *cpu_ns = cpu_of(&usage);
    munmap(printer->stats, sizeof *printer->stats);
    free(printer);
}

uint64_t cbench_cpu_ns(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return cpu_of(&usage);
}

// Not ru_maxrss: that survives exec and would count the process which started this one.
uint64_t cbench_peak_resident_bytes(void) {
    FILE *status = fopen("/proc/self/status", "re");
    if (status == NULL) return 0;
    char line[128];
    unsigned long long kilobytes = 0;
    while (fgets(line, sizeof line, status) != NULL && sscanf(line, "VmHWM: %llu kB", &kilobytes) != 1) {}
    fclose(status);
    return kilobytes * 1024;
}
