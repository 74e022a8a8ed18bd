/* SPDX-License-Identifier: MIT */
/* program.c - programs made by chance, printed, and cut
 *
 * Swarm.  Each program leaves some kinds of steps out, by chance: so what is
 *         rare meets what is rare.
 */
#include "program.h"

#include <string.h>

/* What a step is about. */
enum noun { NOTHING, LATER_TASK, ANY_TASK, OBJECT, QUEUE, SECONDS };

enum { ANY_SET = 128 }; /* of the next seven tasks */

static const struct kind {
    const char *text; /* @ is the target, # the number */
    uint8_t weight;   /* how frequent it is */
    enum noun about;
    uint8_t numbers; /* the number is less than that */
    bool block;
    uint8_t around;  /* the block in which it makes sense; PASS: anywhere */
    uint8_t partner; /* lets go on who waits in this step; PASS: none */
} kinds[STEP_KINDS] = {
    [PASS] = { .text = "pass" },
    [SPAWN] = { .text = "start t@", .weight = 4, .about = LATER_TASK },
    [SPAWN_IN_GROUP] = { .text = "start t@ in the group, if there is one",
        .weight = 8,
        .about = LATER_TASK },
    [SPAWN_BESIDE] = { .text = "start t@ in the group of this task, if any",
        .weight = 2,
        .about = LATER_TASK },
    [CANCEL] = { .text = "cancel t@", .weight = 8, .about = ANY_TASK },
    [UNCANCEL] = { .text = "uncancel t@", .weight = 4, .about = ANY_TASK },
    [DETACH] = { .text = "detach t@", .weight = 1, .about = LATER_TASK },
    [AWAIT] = { .text = "await t@", .weight = 8, .about = LATER_TASK },
    [WAIT_FOR] = { .text = "wait for t@, # s at most",
        .weight = 6,
        .about = LATER_TASK,
        .numbers = 4 },
    [AWAIT_SHIELDED] = { .text = "await t@, which is not its own",
        .weight = 6,
        .about = LATER_TASK },
    [GATHER] = { .text = "gather", .weight = 4, .numbers = ANY_SET },
    [GATHER_RESULTS] = { .text = "gather results and errors of",
        .weight = 4,
        .numbers = ANY_SET },
    [WAIT_FIRST] = { .text = "wait @ s for the first of",
        .weight = 4,
        .about = SECONDS,
        .numbers = ANY_SET },
    [WAIT_FAILURE] = { .text = "wait @ s for all or a failure of",
        .weight = 3,
        .about = SECONDS,
        .numbers = ANY_SET },
    [WAIT_ALL] = { .text = "wait @ s for all of",
        .weight = 2,
        .about = SECONDS,
        .numbers = ANY_SET },
    [AS_COMPLETED] = { .text = "within @ s take, as they come,",
        .weight = 5,
        .about = SECONDS,
        .numbers = ANY_SET },
    [SLEEP] = { .text = "sleep # s", .weight = 16, .numbers = 4 },
    [WORK] = { .text = "work in a thread for 1 s", .weight = 3 },
    [TIMEOUT] = { .text = "within # s:",
        .weight = 10,
        .numbers = 4,
        .block = true },
    [RESCHEDULE] = { .text = "move the time limit to # s from here",
        .weight = 3,
        .numbers = 4,
        .around = TIMEOUT },
    [SHIELD] = { .text = "shielded, for # s at most:",
        .weight = 6,
        .numbers = 4,
        .block = true },
    [GROUP] = { .text = "in a group:", .weight = 6, .block = true },
    [GROUP_CANCEL] = { .text = "cancel the group",
        .weight = 2,
        .around = GROUP },
    [LOCK] = { .text = "with lock @:",
        .weight = 8,
        .about = OBJECT,
        .block = true },
    [SEMAPHORE] = { .text = "with semaphore @:",
        .weight = 6,
        .about = OBJECT,
        .block = true },
    [EVENT_SET] = { .text = "set event @", .weight = 4, .about = OBJECT },
    [EVENT_CLEAR] = { .text = "clear event @", .weight = 2, .about = OBJECT },
    [EVENT_WAIT] = { .text = "wait for event @",
        .weight = 6,
        .about = OBJECT,
        .partner = EVENT_SET },
    [PUT] = { .text = "put into queue @",
        .weight = 10,
        .about = QUEUE,
        .partner = GET },
    [PUT_NOWAIT] = { .text = "put into queue @ without waiting",
        .weight = 3,
        .about = QUEUE },
    [GET] = { .text = "get from queue @",
        .weight = 10,
        .about = QUEUE,
        .partner = PUT },
    [GET_NOWAIT] = { .text = "get from queue @ without waiting",
        .weight = 3,
        .about = QUEUE },
    [TASK_DONE] = { .text = "say that an item of queue @ is done",
        .weight = 5,
        .about = QUEUE },
    [QUEUE_JOIN] = { .text = "join queue @",
        .weight = 3,
        .about = QUEUE,
        .partner = TASK_DONE },
    [QUEUE_CLOSE] = { .text = "close queue @", .weight = 1, .about = QUEUE },
    [FUTURE_SET] = { .text = "set future @ to #",
        .weight = 4,
        .about = OBJECT,
        .numbers = 100 },
    [FUTURE_FAIL] = { .text = "set future @ to an error",
        .weight = 2,
        .about = OBJECT },
    [FUTURE_CANCEL] = { .text = "cancel future @",
        .weight = 1,
        .about = OBJECT },
    [FUTURE_AWAIT] = { .text = "await future @",
        .weight = 8,
        .about = OBJECT,
        .partner = FUTURE_SET },
    [CONDITION] = { .text = "with condition @:",
        .weight = 3,
        .about = OBJECT,
        .block = true },
    [CONDITION_WAIT] = { .text = "wait for condition @",
        .weight = 7,
        .about = OBJECT,
        .around = CONDITION,
        .partner = NOTIFY },
    [NOTIFY] = { .text = "notify # of condition @",
        .weight = 3,
        .about = OBJECT,
        .numbers = 4,
        .around = CONDITION },
    [BARRIER_WAIT] = { .text = "wait at barrier @",
        .weight = 8,
        .about = OBJECT,
        .partner = BARRIER_WAIT },
    [BARRIER_ABORT] = { .text = "abort barrier @",
        .weight = 1,
        .about = OBJECT },
    [BARRIER_RESET] = { .text = "reset barrier @",
        .weight = 1,
        .about = OBJECT },
    [RETURN] = { .text = "return #", .weight = 2, .numbers = 100 },
    [FAIL] = { .text = "fail with error #", .weight = 6, .numbers = 4 },
};

/* ---- making ---- */

struct maker {
    struct program *program;
    uint64_t chance; /* splitmix64 */
    uint8_t weights[STEP_KINDS];
    unsigned total;    /* of the weights */
    unsigned patience; /* of ten steps, how many go on after an error */
};

static unsigned
draw(struct maker *maker, unsigned below)
{
    uint64_t z = maker->chance += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (unsigned)((z ^ z >> 31) >> 33) % below;
}

static void
choose_kinds(struct maker *maker)
{
    unsigned left_out = draw(maker, 3); /* of four kinds, so many */
    for (int i = 0; i < STEP_KINDS; i++) {
        bool in = i == SLEEP || draw(maker, 4) >= left_out;
        maker->weights[i] = in ? kinds[i].weight : 0;
        maker->total += maker->weights[i];
    }
}

static uint8_t
draw_kind(struct maker *maker)
{
    unsigned at = draw(maker, maker->total);
    uint8_t kind = 0;
    while (at >= maker->weights[kind])
        at -= maker->weights[kind++];
    return kind;
}

static uint8_t
draw_target(struct maker *maker, int task, enum noun about)
{
    unsigned count = (unsigned)maker->program->count, self = (unsigned)task;
    if (about == LATER_TASK)
        return (uint8_t)(self + 1 + draw(maker, count - self - 1));
    if (about == ANY_TASK)
        return (uint8_t)draw(maker, count);
    if (about == SECONDS)
        return (uint8_t)draw(maker, FOREVER + 1);
    return (uint8_t)draw(maker, about == QUEUE ? QUEUES : OBJECTS);
}

/* Into a task that has room, or not at all. */
static void
insert_step(struct maker *maker, int task, int at, struct step step)
{
    struct task *t = &maker->program->tasks[task];
    if (t->count == STEPS)
        return;
    memmove(&t->steps[at + 1], &t->steps[at],
        (unsigned)(t->count - at) * sizeof step);
    t->steps[at] = step;
    t->count++;
}

static struct step
draw_step(struct maker *maker, int task, uint8_t kind)
{
    const struct kind *k = &kinds[kind];
    return (struct step){
        .kind = kind,
        .target = draw_target(maker, task, k->about),
        .number = k->numbers ? (uint8_t)draw(maker, k->numbers) : 0,
        .inside = k->block ? (uint8_t)(1 + draw(maker, 5)) : 0,
        .go_on = draw(maker, 10) < maker->patience,
    };
}

/* A step, in the block that it needs. */
static void
add_step(struct maker *maker, int task, int at, struct step step)
{
    uint8_t around = kinds[step.kind].around;
    insert_step(maker, task, at, step);
    if (around == PASS)
        return;
    struct step block = draw_step(maker, task, around);
    if (kinds[around].about == OBJECT)
        block.target = step.target;
    insert_step(maker, task, at, block);
}

static bool
can_have(const struct maker *maker, int task, uint8_t kind)
{
    bool is_last = task == maker->program->count - 1;
    return !is_last || kinds[kind].about != LATER_TASK;
}

static int
draw_place(struct maker *maker, int task)
{
    unsigned count = (unsigned)maker->program->tasks[task].count;
    return (int)draw(maker, count + 1);
}

/* Often somebody lets go on who waits, and often not at once. */
static void
add_partner(struct maker *maker, const struct step *step)
{
    uint8_t kind = kinds[step->kind].partner;
    int other = (int)draw(maker, (unsigned)maker->program->count);
    if (kind == PASS || draw(maker, 4) == 0 || !can_have(maker, other, kind))
        return;
    int at = draw_place(maker, other);
    struct step partner = draw_step(maker, other, kind);
    partner.target = step->target;
    add_step(maker, other, at, partner);
    if (draw(maker, 2))
        insert_step(maker, other, at, draw_step(maker, other, SLEEP));
}

static void
add_children(struct maker *maker, int task, int at)
{
    if (!can_have(maker, task, SPAWN_IN_GROUP))
        return;
    for (unsigned left = draw(maker, 4); left > 0; left--)
        insert_step(maker, task, at + 1,
            draw_step(maker, task, SPAWN_IN_GROUP));
}

static void
fill_task(struct maker *maker, int task)
{
    struct task *t = &maker->program->tasks[task];
    int wanted = 1 + (int)draw(maker, STEPS / 2);
    t->always_start = draw(maker, 4) == 0;
    t->eager = draw(maker, 4) == 0;
    while (t->count < wanted) {
        uint8_t kind = draw_kind(maker);
        if (!can_have(maker, task, kind))
            continue;
        struct step step = draw_step(maker, task, kind);
        int at = draw_place(maker, task);
        add_step(maker, task, at, step);
        add_partner(maker, &step);
        if (kind == GROUP)
            add_children(maker, task, at);
    }
}

/* So that no task is there in vain: early in one of the tasks before it. */
static void
start_each(struct maker *maker)
{
    static const uint8_t ways[] = { SPAWN, SPAWN, SPAWN_IN_GROUP };
    for (int i = maker->program->count - 1; i > 0; i--) {
        int by = (int)draw(maker, (unsigned)i);
        struct step step = {
            .kind = ways[draw(maker, sizeof ways)],
            .target = (uint8_t)i,
        };
        insert_step(maker, by / 2, draw_place(maker, by / 2) / 2, step);
    }
}

/* When it ends, the others are cancelled: often that is late enough for
 * something to happen, and soon enough for not everything to wait for ever. */
static void
vary_main(struct maker *maker)
{
    struct step limit = draw_step(maker, 0, TIMEOUT);
    limit.inside = STEPS;
    if (draw(maker, 2))
        insert_step(maker, 0, 0, limit);
    if (draw(maker, 2))
        insert_step(maker, 0, maker->program->tasks[0].count,
            draw_step(maker, 0, SLEEP));
}

void
program_make(struct program *program, uint64_t seed)
{
    struct maker maker = { .program = program, .chance = seed };
    memset(program, 0, sizeof *program);
    choose_kinds(&maker);
    maker.patience = draw(&maker, 10);
    program->seed = seed;
    program->count = 2 + (int)draw(&maker, TASKS - 1);
    for (int i = 0; i < program->count; i++)
        fill_task(&maker, i);
    start_each(&maker);
    vary_main(&maker);
}

/* ---- reading ---- */

bool
step_is_block(const struct step *step)
{
    return kinds[step->kind].block;
}

int
step_block_end(const struct task *task, int step, int end)
{
    int wanted = step + 1 + task->steps[step].inside;
    return wanted < end ? wanted : end;
}

bool
step_has_set(const struct step *step)
{
    return kinds[step->kind].numbers == ANY_SET;
}

bool
step_names_task(const struct step *step, int task, int named)
{
    if (step_has_set(step))
        return named > task && step->number >> (named - task - 1) & 1;
    enum noun about = kinds[step->kind].about;
    return (about == LATER_TASK || about == ANY_TASK) && step->target == named;
}

void
step_describe(const struct step *step, char *text)
{
    const char *from = kinds[step->kind].text;
    for (; *from; from++) {
        if (*from == '@' && kinds[step->kind].about == SECONDS &&
            step->target == FOREVER)
            text += sprintf(text, "any");
        else if (*from == '@')
            text += sprintf(text, "%d", step->target);
        else if (*from == '#')
            text += sprintf(text, "%d", step->number);
        else
            *text++ = *from;
    }
    *text = '\0';
}

static void
print_set(const struct step *step, int task, FILE *out)
{
    for (int i = task + 1; i < TASKS; i++) {
        if (step_names_task(step, task, i))
            fprintf(out, " t%d", i);
    }
}

static void
print_steps(const struct program *program, int task, int end, FILE *out)
{
    const struct task *t = &program->tasks[task];
    int ends[STEPS + 1] = { end }, depth = 0;
    for (int i = 0; i < end; i++) {
        const struct step *step = &t->steps[i];
        char text[STEP_TEXT];
        while (depth > 0 && i >= ends[depth])
            depth--;
        step_describe(step, text);
        fprintf(out, "%*s%s%s", 8 + 4 * depth, "", step->go_on ? "try to " : "",
            text);
        if (step_has_set(step))
            print_set(step, task, out);
        fputc('\n', out);
        if (step_is_block(step)) {
            int block_end = step_block_end(t, i, ends[depth]);
            ends[++depth] = block_end;
            if (block_end == i + 1)
                fprintf(out, "%*spass\n", 8 + 4 * depth, "");
        }
    }
}

static bool
is_named(const struct program *program, int named)
{
    for (int i = 0; i < program->count; i++) {
        const struct task *task = &program->tasks[i];
        for (int j = 0; j < task->count; j++) {
            if (step_names_task(&task->steps[j], i, named))
                return true;
        }
    }
    return named == 0;
}

void
program_print(const struct program *program, FILE *out)
{
    for (int i = 0; i < program->count; i++) {
        const struct task *task = &program->tasks[i];
        if (task->count == 0 && !is_named(program, i))
            continue;
        fprintf(out, "    t%d%s:\n", i, i == 0 ? " (main)" : "");
        if (task->always_start && i > 0)
            fprintf(out, "        always starts, even if cancelled before\n");
        if (task->eager && i > 0)
            fprintf(out, "        starts at once, inside the call\n");
        print_steps(program, i, task->count, out);
        fprintf(out, "        return %d\n", i);
    }
}

/* ---- cutting ---- */

void
program_drop_step(struct program *program, int task, int step)
{
    struct task *t = &program->tasks[task];
    for (int i = 0; i < step; i++) {
        if (i + t->steps[i].inside >= step)
            t->steps[i].inside--;
    }
    t->count--;
    memmove(&t->steps[step], &t->steps[step + 1],
        (unsigned)(t->count - step) * sizeof t->steps[0]);
}
