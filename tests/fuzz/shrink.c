/* SPDX-License-Identifier: MIT */
/* shrink.c - the smallest program that fails in the same way
 *
 * Idea.  Try what makes it smaller, keep what still fails, and begin again
 *        until nothing helps: without a task's steps, without some in a row,
 *        without one, without any two, with a sleep in place of something
 *        else, with smaller numbers.
 */
#include "shrink.h"

#include <stddef.h>

struct shrinker {
    struct program *best;
    program_judge *fails;
    void *user;
    bool progress;
};

static bool
try_out(struct shrinker *s, const struct program *candidate)
{
    if (!s->fails(candidate, s->user))
        return false;
    *s->best = *candidate;
    s->progress = true;
    return true;
}

/* Without `count` steps from `from` on; true: so much is gone. */
static bool
try_without(struct shrinker *s, int task, int from, int count)
{
    struct program candidate = *s->best;
    for (int i = 0; i < count; i++)
        program_drop_step(&candidate, task, from);
    return try_out(s, &candidate);
}

static void
drop_steps(struct shrinker *s, int task)
{
    const struct task *t = &s->best->tasks[task];
    for (int count = t->count; count > 0; count /= 2) {
        int from = 0;
        while (from + count <= t->count) {
            if (!try_without(s, task, from, count))
                from++;
        }
    }
}

/* Two that belong together: who starts a task and who waits for it. */
static void
drop_pairs(struct shrinker *s, int task, int other)
{
    int i = 0;
    while (i < s->best->tasks[task].count) {
        struct program without = *s->best;
        bool found = false;
        program_drop_step(&without, task, i);
        for (int j = 0; j < without.tasks[other].count && !found; j++) {
            struct program candidate = without;
            program_drop_step(&candidate, other, j);
            found = try_out(s, &candidate);
        }
        i += !found;
    }
}

/* The last task, where nobody names it; the others keep their numbers. */
static void
drop_last_task(struct shrinker *s)
{
    struct program candidate = *s->best;
    candidate.count--;
    for (int i = 0; i < candidate.count; i++) {
        const struct task *t = &candidate.tasks[i];
        for (int j = 0; j < t->count; j++) {
            if (t->steps[j].target >= candidate.count)
                return;
        }
    }
    if (candidate.count > 1)
        (void)try_out(s, &candidate);
}

static void
simplify_task(struct shrinker *s, int task)
{
    struct program candidate = *s->best;
    if (candidate.tasks[task].always_start) {
        candidate.tasks[task].always_start = false;
        (void)try_out(s, &candidate);
    }
}

/* Each number as small as it can be. */
static void
lower(struct shrinker *s, int task, int step, size_t field)
{
    struct program candidate = *s->best;
    uint8_t *number = (uint8_t *)&candidate.tasks[task].steps[step] + field;
    uint8_t now = *number;
    for (uint8_t smaller = 0; smaller < now; smaller++) {
        *number = smaller;
        if (try_out(s, &candidate))
            return;
    }
}

static void
simplify_step(struct shrinker *s, int task, int step)
{
    struct program candidate = *s->best;
    if (candidate.tasks[task].steps[step].go_on) {
        candidate.tasks[task].steps[step].go_on = false;
        (void)try_out(s, &candidate);
    }
    if (candidate.tasks[task].steps[step].kind != SLEEP) {
        candidate = *s->best;
        candidate.tasks[task].steps[step] = (struct step){ .kind = SLEEP };
        (void)try_out(s, &candidate);
    }
    lower(s, task, step, offsetof(struct step, number));
    lower(s, task, step, offsetof(struct step, inside));
}

static void
simplify(struct shrinker *s)
{
    drop_last_task(s);
    for (int i = 0; i < s->best->count; i++) {
        simplify_task(s, i);
        for (int j = 0; j < s->best->tasks[i].count; j++)
            simplify_step(s, i, j);
    }
}

void
program_shrink(struct program *program, program_judge *fails, void *user)
{
    struct shrinker s = { program, fails, user, true };
    while (s.progress) {
        s.progress = false;
        for (int i = program->count - 1; i >= 0; i--)
            drop_steps(&s, i);
        simplify(&s);
        for (int i = 0; i < TASKS * TASKS && !s.progress; i++)
            drop_pairs(&s, i / TASKS, i % TASKS);
    }
}
