/* SPDX-License-Identifier: MIT */
/* Generators: functions that give one value after the other, and may wait
 * between them (async generators).
 *
 *     static int
 *     count(void *arg)                            async def count(to):
 *     {
 *         struct count_args *a = arg;
 *         for (int i = 0; i < a->to; i++) {           for i in range(to):
 *             int err = acio_generator_yield(&i);         yield i
 *             if (err < 0)
 *                 return err;
 *         }
 *         return 0;
 *     }
 *
 *     int i, err;
 *     ACIO_GENERATOR(numbers, int, count, .to = 3);
 *     while ((err = acio_generator_next(&numbers, &i)) > 0)  async for i in ...
 *         use(i);
 *
 * A generator is a task that runs only while somebody waits for its next value,
 * and in his place: nobody else runs in between, unless it waits itself. Who is
 * interrupted while he waits for a value cancels the generator, as he cancels a
 * task that he awaits.
 */
#ifndef ACIO_GENERATOR_H
#define ACIO_GENERATOR_H

#include "task.h"

ACIO_BEGIN_DECLS

typedef struct acio_generator {
    acio_task *task;   /* NULL: not open */
    const void *value; /* given and not taken; the generator's own */
    size_t value_bytes;
    struct acioi_task *waiter; /* inside acio_generator_next */
    bool started;
    int error; /* why it is not open */
} acio_generator;

/* A generator of values of a type, from here to the end of the block. One that
 * could not be opened answers why when it is asked for its first value. */
#define ACIO_GENERATOR(name, type, f, ...)                                     \
    __attribute__((cleanup(acio_generator_close))) acio_generator name;        \
    acio_generator_open(&name, type, f __VA_OPT__(, ) __VA_ARGS__)

/* Make a generator of `f`, which runs for the first time when the first value
 * is asked for. `acio_generator_open(&g, int, f, .n = 3)` fills a
 * `struct f_args`.
 *
 *   returns   0; -ENOMEM, -EINVAL; -ACIO_ENOLOOP
 *   suspends  no
 *   cancel    -
 *   owner     the caller closes `generator`, also after an error; not to be
 *             moved. The arguments are copied
 *   thread    the loop's
 *   python    calling an async generator function
 */
#define acio_generator_open(generator, type, f, ...)                           \
    acio_generator_open_with(generator, sizeof(type), f,                       \
        ACIO_ARGS(f __VA_OPT__(, ) __VA_ARGS__), ACIO_TASK_HERE(f))

/* The function behind acio_generator_open.
 *
 *   returns   as acio_generator_open
 *   suspends  no
 *   cancel    -
 *   owner     as acio_generator_open; `args` is copied
 *   thread    the loop's
 *   python    calling an async generator function
 */
ACIO_EXPORT int acio_generator_open_with(acio_generator *generator,
    size_t value_bytes, acio_function *f, struct acio_args args,
    const struct acio_task_options *options);

/* Have the generator run to its next value.
 *
 *   returns   1 with a copy of the value; 0 when it has returned; its error,
 *             once; -ECANCELED or -ETIMEDOUT where interrupted; the error of
 *             acio_generator_open; -ACIO_ECLOSED; -EBUSY where somebody waits
 *             for a value already; -ACIO_ENOTASK, -ACIO_EFOREIGN
 *   suspends  yes
 *   cancel    clean: either the generator has not been asked, or it was
 *             cancelled and has ended; a value that it gave all the same is
 *             returned
 *   owner     `value_out` is the caller's; NULL drops the value
 *   thread    the loop's
 *   python    anext(), async for
 */
ACIO_EXPORT ACIO_MUST_USE int acio_generator_next(acio_generator *generator,
    void *value_out);

/* In a generator: give a value, and wait until the next one is asked for.
 *
 *   returns   0; -ACIO_ECLOSED, from now on, where nobody will ask any more: it
 *             can clean up, and wait meanwhile; -ECANCELED, -ETIMEDOUT;
 *             -EINVAL outside of a generator; -ACIO_ENOTASK
 *   suspends  yes
 *   cancel    lost: the value may have been taken or not
 *   owner     `*value` is borrowed until the call returns
 *   thread    the loop's
 *   python    yield
 */
ACIO_EXPORT ACIO_MUST_USE int acio_generator_yield(const void *value);

/* End the generator, early perhaps: its acio_generator_yield answers
 * -ACIO_ECLOSED, and its end is waited for. One that never ran does not run.
 * Who is interrupted meanwhile cancels it; so does who cannot wait, outside of
 * a task. Closing twice does nothing.
 *
 *   returns   -; an error of the clean-up is reported to the exception handler
 *   suspends  yes, where the generator has not returned
 *   cancel    clean: it has ended, where it could be waited for
 *   owner     the memory is the caller's again
 *   thread    the loop's
 *   python    agen.aclose()
 */
ACIO_EXPORT void acio_generator_close(acio_generator *generator);

ACIO_END_DECLS

#endif
