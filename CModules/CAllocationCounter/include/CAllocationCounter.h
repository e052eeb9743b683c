// Counts heap allocations by thread. Linking this replaces malloc, calloc, realloc, posix_memalign, aligned_alloc and
// memalign of the whole program by ones that count and then call glibc, so it belongs into gantry-bench only.
#pragma once

#include <stdbool.h>
#include <stdint.h>

/// How many allocations the calling thread has made since it started. Growing by realloc counts as one.
uint64_t callocation_count_of_this_thread(void);

/// How many allocations the threads of that name have made since they started, ended threads included. A thread has
/// a name once it called pthread_setname_np for itself; what it allocated before counts too.
/// May be called from any thread at any time.
uint64_t callocation_count_of_threads_named(const char *name);

/// How many threads have had that name, so that 0 allocations can be told from a thread that never was.
unsigned callocation_threads_named(const char *name);

/// Makes one allocation and tells whether it was counted: false when another malloc got in front of this one, as
/// sanitizers do, and every count would be 0.
bool callocation_works(void);
