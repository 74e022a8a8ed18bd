/* SPDX-License-Identifier: MIT */
/* sanitizer.h - what AddressSanitizer, ThreadSanitizer and Valgrind are told
 *
 * Idea.       These tools follow a thread's stack and its history of calls. A
 *             switch would look like a wild jump to them, so each is told: the
 *             sanitizers of every switch, because they ask for that; Valgrind
 *             of each stack once, because it then recognises a switch by the
 *             stack pointer. Without a tool every function here is empty, but
 *             for Valgrind's, which are a few instructions per stack that do
 *             nothing outside of it.
 * Fibers.     ThreadSanitizer's own object per coroutine is made by the first
 *             switch to it, so that one that is never entered leaves nothing
 *             behind; and it is destroyed by whoever runs next, because a
 *             fiber cannot destroy itself.
 */
#ifndef ACIOI_SANITIZER_H
#define ACIOI_SANITIZER_H

#include <stdbool.h>
#include <stddef.h>

#if defined __SANITIZE_ADDRESS__
#define ACIOI_ASAN 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define ACIOI_ASAN 1
#endif
#endif

#if defined __SANITIZE_THREAD__
#define ACIOI_TSAN 1
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
#define ACIOI_TSAN 1
#endif
#endif

#if defined ACIOI_ASAN
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined ACIOI_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#if defined HAVE_VALGRIND
#include <valgrind/memcheck.h>
#include <valgrind/valgrind.h>
#endif

/* ThreadSanitizer notes the entry of a function and its end, and a function
 * that changes the fiber would note its end in the wrong one. */
#define ACIOI_INTO_SWITCH static inline __attribute__((always_inline))

/* Lies in every coroutine. */
struct acioi_sanitizer {
#if defined ACIOI_ASAN
    void *fake_stack; /* of the frames that may outlive a return */
#endif
#if defined ACIOI_TSAN
    void *fiber;    /* NULL before the first switch to it */
    void *finished; /* a fiber that we are the first to survive */
#endif
};

/* `s` stands for the calling thread; ASan wants to know its stack. */
static inline void
acioi_sanitizer_adopt(struct acioi_sanitizer *s, const void **low_out,
    size_t *bytes_out)
{
    (void)s, (void)low_out, (void)bytes_out;
#if defined ACIOI_ASAN
    pthread_attr_t attributes;
    void *low;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &low, bytes_out);
        pthread_attr_destroy(&attributes);
        *low_out = low;
    }
#endif
#if defined ACIOI_TSAN
    s->fiber = __tsan_get_current_fiber();
#endif
}

/* The last thing before a switch from `from`, which will be back. */
ACIOI_INTO_SWITCH void
acioi_sanitizer_leave(struct acioi_sanitizer *from, struct acioi_sanitizer *to,
    const void *to_low, size_t to_bytes)
{
    (void)from, (void)to, (void)to_low, (void)to_bytes;
#if defined ACIOI_ASAN
    __sanitizer_start_switch_fiber(&from->fake_stack, to_low, to_bytes);
#endif
#if defined ACIOI_TSAN
    if (!to->fiber)
        to->fiber = __tsan_create_fiber(0);
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
}

/* The last thing before a switch from `from`, which will not be back. */
ACIOI_INTO_SWITCH void
acioi_sanitizer_exit(struct acioi_sanitizer *from, struct acioi_sanitizer *to,
    const void *to_low, size_t to_bytes)
{
    (void)from, (void)to, (void)to_low, (void)to_bytes;
#if defined ACIOI_ASAN
    __sanitizer_start_switch_fiber(NULL, to_low, to_bytes);
#endif
#if defined ACIOI_TSAN
    if (!to->fiber)
        to->fiber = __tsan_create_fiber(0);
    to->finished = from->fiber;
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
}

/* The first thing after a switch to `s`. */
ACIOI_INTO_SWITCH void
acioi_sanitizer_arrive(struct acioi_sanitizer *s)
{
    (void)s;
#if defined ACIOI_ASAN
    __sanitizer_finish_switch_fiber(s->fake_stack, NULL, NULL);
#endif
#if defined ACIOI_TSAN
    if (s->finished)
        __tsan_destroy_fiber(s->finished);
    s->finished = NULL;
#endif
}

/* Does a tool watch what memory holds? To be asked once and remembered, because
 * Valgrind's requests cost some nanoseconds where there is no Valgrind. */
static inline bool
acioi_sanitizer_watches(void)
{
#if defined ACIOI_ASAN
    return true;
#elif defined HAVE_VALGRIND
    return RUNNING_ON_VALGRIND > 0;
#else
    return false;
#endif
}

/* What earlier frames forbade in [low, low + bytes) is void: a coroutine that
 * exits leaves frames behind that never returned. */
static inline void
acioi_sanitizer_forget(void *low, size_t bytes)
{
    (void)low, (void)bytes;
#if defined ACIOI_ASAN
    __asan_unpoison_memory_region(low, bytes);
#endif
#if defined HAVE_VALGRIND
    VALGRIND_MAKE_MEM_UNDEFINED(low, bytes);
#endif
}

/* How many of `stacks` numbers have to be kept: all or, outside of Valgrind,
 * none. */
static inline size_t
acioi_sanitizer_numbers(size_t stacks)
{
    (void)stacks;
#if defined HAVE_VALGRIND
    if (RUNNING_ON_VALGRIND)
        return stacks;
#endif
    return 0;
}

/* Makes [low, high) known as a stack; returns its number. */
static inline unsigned
acioi_sanitizer_register(void *low, void *high)
{
    (void)low, (void)high;
#if defined HAVE_VALGRIND
    return VALGRIND_STACK_REGISTER(low, high);
#else
    return 0;
#endif
}

static inline void
acioi_sanitizer_deregister(unsigned number)
{
    (void)number;
#if defined HAVE_VALGRIND
    VALGRIND_STACK_DEREGISTER(number);
#endif
}

#endif
