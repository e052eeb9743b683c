#define _GNU_SOURCE
#include "CAllocationCounter.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

// glibc's own allocators, which stay callable under these names.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *pointer, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

enum { SLOTS = 256, NAME_SIZE = 16 };

// One thread's counter. Only its thread writes `count` and `name`, anybody may read them.
struct slot {
    _Atomic uint64_t count;
    // Set after `name` is complete, so a reader never sees half a name.
    _Atomic bool named;
    char name[NAME_SIZE];
};

static struct slot slots[SLOTS];
static atomic_uint slots_used;
// Threads beyond SLOTS share this one; it has no name, so they are not mistaken for another thread.
static struct slot overflow_slot;
static __thread struct slot *this_slot;

static struct slot *slot_of_this_thread(void) {
    if (this_slot == NULL) {
        unsigned index = atomic_fetch_add_explicit(&slots_used, 1, memory_order_relaxed);
        this_slot = index < SLOTS ? &slots[index] : &overflow_slot;
    }
    return this_slot;
}

static void count_one(void) {
    atomic_fetch_add_explicit(&slot_of_this_thread()->count, 1, memory_order_relaxed);
}

void *malloc(size_t size) {
    count_one();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    count_one();
    return __libc_calloc(count, size);
}

void *realloc(void *pointer, size_t size) {
    count_one();
    return __libc_realloc(pointer, size);
}

void *memalign(size_t alignment, size_t size) {
    count_one();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count_one();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    bool power_of_two = alignment != 0 && (alignment & (alignment - 1)) == 0;
    if (!power_of_two || alignment % sizeof(void *) != 0) return EINVAL;
    count_one();
    void *pointer = __libc_memalign(alignment, size);
    if (pointer == NULL) return ENOMEM;
    *result = pointer;
    return 0;
}

// A thread's counter is found by the name the thread gives itself, so the code under test needs no hook.
int pthread_setname_np(pthread_t thread, const char *name) {
    int (*next)(pthread_t, const char *) = (int (*)(pthread_t, const char *))dlsym(RTLD_NEXT, "pthread_setname_np");
    if (next == NULL) return ENOSYS;
    int error = next(thread, name);
    struct slot *slot = slot_of_this_thread();
    if (error == 0 && pthread_equal(thread, pthread_self()) && slot != &overflow_slot) {
        atomic_store(&slot->named, false);
        strncpy(slot->name, name, NAME_SIZE - 1);
        atomic_store(&slot->named, true);
    }
    return error;
}

static bool has_name(struct slot *slot, const char *name) {
    return atomic_load(&slot->named) && strncmp(slot->name, name, NAME_SIZE) == 0;
}

static unsigned slots_taken(void) {
    unsigned used = atomic_load(&slots_used);
    return used < SLOTS ? used : SLOTS;
}

uint64_t callocation_count_of_this_thread(void) {
    return atomic_load_explicit(&slot_of_this_thread()->count, memory_order_relaxed);
}

uint64_t callocation_count_of_threads_named(const char *name) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < slots_taken(); i++) {
        if (has_name(&slots[i], name)) sum += atomic_load_explicit(&slots[i].count, memory_order_relaxed);
    }
    return sum;
}

unsigned callocation_threads_named(const char *name) {
    unsigned sum = 0;
    for (unsigned i = 0; i < slots_taken(); i++) {
        if (has_name(&slots[i], name)) sum++;
    }
    return sum;
}

bool callocation_works(void) {
    uint64_t before = callocation_count_of_this_thread();
    void *volatile pointer = malloc(16);  // volatile: a compiler may drop an allocation that nobody uses
    free(pointer);
    return callocation_count_of_this_thread() == before + 1;
}
