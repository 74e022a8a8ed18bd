/* SPDX-License-Identifier: MIT */
/* Random programs of datagram calls, held against what the network counted.
 *
 * Idea.       Tasks send, receive, give up, are cancelled, close endpoints and
 *             open others, as a seed says. Each datagram says who sent it, its
 *             number there, and its length.
 *
 * Balance.    Whatever happens, what has come to a socket was received once,
 *             or dropped for want of room, or was still there at the close;
 *             and without faults each sender's come in order. Where endpoints
 *             are closed under tasks that use them, nobody can look what was
 *             still there: then no more was received than came.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "acio_spec.h"

enum {
    ENDPOINTS = 5,
    TASKS = 6,
    STEPS = 60,
    SEEDS = 200,
    MOST = 3000,
    BATCH = 4
};

struct letter {
    uint32_t sender; /* counts endpoints ever opened, from 1 */
    uint32_t number;
    uint32_t bytes;
    uint32_t check;
};

struct place {
    acio_datagram *datagram;
    struct acio_address address;
    uint32_t name;
    uint32_t next;                /* number to send */
    uint32_t last[TASKS * STEPS]; /* number received, by sender */
    int busy;                     /* tasks in a call */
    int receiving;                /* of them, those that receive */
    uint32_t begun;               /* receives */
};

struct world {
    uint64_t random;
    bool in_order;
    bool exact; /* no endpoint is closed under a task that uses it */
    uint32_t names;
    uint64_t sent, taken;
    int64_t dropped;
    struct place places[ENDPOINTS];
    char text[200]; /* what is wrong; "": nothing */
};

static uint32_t
draw(struct world *w, uint32_t below)
{
    w->random = w->random * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(w->random >> 33) % below;
}

static void
complain(struct world *w, const char *what, long a, long b)
{
    if (!w->text[0])
        snprintf(w->text, sizeof w->text, "%s: %ld, %ld", what, a, b);
}

/* ---- receiving ---- */

/* Who receives while others do may be told of it after them. */
struct turn {
    uint32_t name, begun;
    bool alone;
};

static struct turn
begin_turn(struct place *place)
{
    place->busy++;
    place->receiving++;
    return (struct turn){ place->name, ++place->begun, place->receiving == 1 };
}

/* False where the endpoint was closed, and another is in its place. */
static bool
end_turn(struct place *place, struct turn *turn)
{
    if (place->name != turn->name)
        return false;
    place->busy--;
    place->receiving--;
    turn->alone = turn->alone && turn->begun == place->begun;
    return true;
}

struct received {
    const char *data;
    size_t stored, whole;
    const struct acio_address *from;
};

static void
check_letter(struct world *w, struct place *place, bool alone,
    const struct received *received)
{
    struct letter letter;
    if (received->stored < sizeof letter)
        return; /* empty ones are sent, too; others were cut */
    memcpy(&letter, received->data, sizeof letter);
    if (letter.bytes != received->whole)
        complain(w, "a length is wrong", (long)letter.bytes,
            (long)received->whole);
    if (letter.check != letter.sender * 31 + letter.number * 17)
        complain(w, "a letter is torn", letter.sender, letter.number);
    for (int i = 0; i < ENDPOINTS; i++) {
        const struct place *other = &w->places[i];
        if (other->datagram && other->name == letter.sender &&
            !acio_address_equal(&other->address, received->from))
            complain(w, "an address is wrong", letter.sender, place->name);
    }
    uint32_t *last = &place->last[letter.sender];
    if (w->in_order && alone && letter.number <= *last)
        complain(w, "one was overtaken", letter.number, *last);
    if (letter.number > *last)
        *last = letter.number;
}

static void
take_one(struct world *w, struct place *place, bool wait)
{
    char data[MOST];
    struct acio_datagram_info info;
    size_t room = draw(w, 5) == 0 ? draw(w, 40) : sizeof data;
    struct turn turn = begin_turn(place);
    ssize_t n;
    {
        ACIO_TIMEOUT(limit, 1e-6 * draw(w, 300));
        n = wait ? acio_recvfrom(place->datagram, data, room, &info)
                 : acio_recvfrom_nowait(place->datagram, data, room, &info);
    }
    bool same = end_turn(place, &turn);
    const struct received received = { data, (size_t)n, info.bytes,
        &info.from };
    w->taken += n >= 0;
    if (n >= 0 && same)
        check_letter(w, place, turn.alone, &received);
}

static void
take_batch(struct world *w, struct place *place)
{
    char data[BATCH][MOST];
    struct acio_datagram_message messages[BATCH];
    for (int i = 0; i < BATCH; i++)
        messages[i] = (struct acio_datagram_message){ .data = data[i],
            .size = MOST };
    struct turn turn = begin_turn(place);
    int n;
    {
        ACIO_TIMEOUT(limit, 1e-6 * draw(w, 300));
        n = acio_recv_batch(place->datagram, messages, BATCH);
    }
    bool same = end_turn(place, &turn);
    w->taken += n > 0 ? (uint64_t)n : 0;
    for (int i = 0; i < n && same; i++) {
        const struct received received = { data[i], messages[i].bytes,
            messages[i].whole, &messages[i].address };
        check_letter(w, place, turn.alone, &received);
    }
}

/* ---- opening, sending, closing ---- */

static void
open_place(struct world *w, struct place *place)
{
    const struct acio_datagram_options options = { .local_host = "127.0.0.1",
        .report_errors = draw(w, 2),
        .receive_buffer = 4000 + draw(w, 20000),
        .send_buffer = 2000 + draw(w, 20000) };
    acio_datagram *datagram;
    if (acio_create_datagram_endpoint(&datagram, &options) < 0)
        return;
    if (place->datagram) { /* another task was quicker */
        acio_datagram_abort(datagram);
        return;
    }
    memset(place, 0, sizeof *place);
    place->datagram = datagram;
    place->name = ++w->names;
    if (acio_datagram_sock_address(datagram, &place->address) < 0)
        complain(w, "an endpoint has no address", place->name, 0);
}

/* What is there is taken first, without a chance for more to come; who has
 * won the race against the close takes his own. */
static void
close_place(struct world *w, struct place *place, bool abruptly)
{
    acio_datagram *datagram = place->datagram;
    char data[MOST];
    int64_t drops = acio_datagram_drops(datagram);
    w->dropped += drops > 0 ? drops : 0;
    ssize_t n = 0;
    while (n != -EAGAIN) {
        n = acio_recvfrom_nowait(datagram, data, sizeof data, NULL);
        w->taken += n >= 0;
    }
    place->datagram = NULL;
    if (abruptly)
        acio_datagram_abort(datagram);
    else
        acio_datagram_close(datagram);
}

static void
send_one(struct world *w, struct place *place)
{
    static char data[MOST];
    const struct place *to = &w->places[draw(w, ENDPOINTS)];
    struct letter letter = { .sender = place->name,
        .number = ++place->next,
        .bytes = (uint32_t)sizeof letter + draw(w, MOST - sizeof letter) };
    if (!to->address.length)
        return;
    letter.check = letter.sender * 31 + letter.number * 17;
    memcpy(data, &letter, sizeof letter);
    uint32_t bytes = draw(w, 10) == 0 ? 0 : letter.bytes;
    struct acio_address address = to->address; /* of one that is closed, too */
    char copy[MOST];
    memcpy(copy, data, sizeof copy);
    ACIO_TIMEOUT(limit, 1e-6 * (1 + draw(w, 300)));
    uint32_t name = place->name;
    place->busy++;
    int err = draw(w, 3) == 0
        ? acio_sendto_nowait(place->datagram, copy, bytes, &address)
        : acio_sendto(place->datagram, copy, bytes, &address);
    place->busy -= place->name == name;
    w->sent += err == 0;
}

/* ---- the program ---- */

static void
step(struct world *w)
{
    struct place *place = &w->places[draw(w, ENDPOINTS)];
    if (!place->datagram) {
        open_place(w, place);
        return;
    }
    switch (draw(w, 12)) {
    case 0:
        if (!w->exact || place->busy == 0)
            close_place(w, place, draw(w, 2));
        break;
    case 1:
        take_batch(w, place);
        break;
    case 2:
    case 3:
    case 4:
        take_one(w, place, true);
        break;
    case 5:
        take_one(w, place, false);
        break;
    default:
        send_one(w, place);
        break;
    }
}

struct wander_args {
    struct world *world;
};
static int
wander(void *arg)
{
    const struct wander_args *a = arg;
    int err = 0;
    for (int i = 0; err == 0 && i < STEPS; i++) {
        step(a->world);
        if (draw(a->world, 4) == 0)
            err = acio_sleep(1e-6 * draw(a->world, 200));
    }
    return err == -ECANCELED ? 0 : err;
}

struct program_args {
    struct world *world;
};
static int
program(void *arg)
{
    const struct program_args *a = arg;
    struct world *w = a->world;
    acio_task *tasks[TASKS];
    for (int i = 0; i < TASKS; i++)
        tasks[i] = acio_create_task(wander, .world = w);
    int err = acio_sleep(1e-6 * draw(w, 3000));
    acio_cancel(tasks[draw(w, TASKS)]);
    for (int i = 0; i < TASKS; i++)
        (void)acio_await(tasks[i]);
    err = acio_sleep(1); /* all has arrived */
    for (int i = 0; i < ENDPOINTS; i++) {
        if (w->places[i].datagram)
            close_place(w, &w->places[i], false);
    }
    struct acio_sim_stats stats;
    if (acio_sim_stats(acio_get_running_loop(), &stats) < 0)
        return -EINVAL;
    uint64_t known = w->taken + stats.drops;
    if (w->exact ? stats.datagrams != known : stats.datagrams < known)
        complain(w, "datagrams are missing, or too many", (long)known,
            (long)stats.datagrams);
    if ((uint64_t)w->dropped > stats.drops)
        complain(w, "drops are counted wrongly", (long)w->dropped,
            (long)stats.drops);
    if (stats.datagrams + stats.losses > w->sent + stats.duplicates)
        complain(w, "more came than were sent", (long)stats.datagrams,
            (long)w->sent);
    return err;
}

static void
run_seeds(const struct acio_sim_options *faults, bool in_order)
{
    static struct world world;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        memset(&world, 0, sizeof world);
        world.random = seed;
        world.in_order = in_order;
        world.exact = seed % 2;
        struct acio_sim_options sim = *faults;
        sim.seed = seed;
        const struct acio_run_options options = { .backend = "sim",
            .sim = &sim };
        struct program_args args = { &world };
        int err = acio_run_with(program,
            (struct acio_args){ &args, sizeof args }, &options);
        EXPECT_ERR(err, 0);
        if (world.text[0])
            printf("seed %d: ", (int)seed);
        EXPECT_TEXT(world.text, "");
        if (!EXPECT(world.taken > 10))
            break;
    }
}

#define RANDOM_TEST(name)                                                      \
    static void random_##name(void);                                           \
    SPEC_REGISTER(datagram_random, name, .body = random_##name,                \
        .flags = SPEC_NO_TORTURE);                                             \
    static void random_##name(void)

RANDOM_TEST(programs_balance_without_faults)
{
    run_seeds(&(struct acio_sim_options){ .seed = 0 }, true);
}

RANDOM_TEST(programs_balance_where_cancels_and_results_come_late)
{
    run_seeds(&(struct acio_sim_options){ .late = 0.2,
                  .late_cancels = 0.5,
                  .busy_sends = 0.2 },
        false);
}

RANDOM_TEST(programs_balance_where_datagrams_are_lost_doubled_and_overtaken)
{
    run_seeds(&(struct acio_sim_options){ .losses = 0.2,
                  .duplicates = 0.2,
                  .reorders = 0.3,
                  .no_buffers = 0.05,
                  .late_cancels = 0.3 },
        false);
}
