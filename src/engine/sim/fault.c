/* SPDX-License-Identifier: MIT */
/* fault.c - what chance does, and how often it did
 *
 * Idea.  One generator (splitmix64), one stream of numbers. A chance of 0 or
 *        1 and a latency without a choice draw nothing, so that switching a
 *        fault off leaves the rest of a run as it was.
 */
#include "sim.h"

#include <errno.h>
#include <stdlib.h>

enum {
    LATENCY_MIN_NS = 10000,
    LATENCY_MAX_NS = 100000,
    LATE_MAX_NS = 1000000,
    BUFFER_BYTES = 65536
};

/* What takes longer than a year never arrives. */
#define LONGEST_NS (INT64_C(366) * 86400 * ACIOI_SECOND_NS)

/* Sebastiano Vigna's splitmix64. */
static uint64_t
next_random(struct sim *sim)
{
    uint64_t z = sim->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* The modulo favours some numbers by less than one in 2^32 for the ranges in
 * use, which no test can tell. */
int64_t
acioi_sim_draw(struct sim *sim, int64_t low, int64_t high)
{
    if (low >= high)
        return low;
    uint64_t range = (uint64_t)(high - low) + 1;
    return low + (int64_t)(next_random(sim) % range);
}

bool
acioi_sim_chance(struct sim *sim, double chance, uint64_t *count)
{
    if (!(chance > 0))
        return false;
    bool happens = chance >= 1 ||
        (double)(next_random(sim) >> 11) * 0x1p-53 < chance;
    *count += happens;
    return happens;
}

int64_t
acioi_sim_arrival(struct sim *sim)
{
    return acioi_time_add(sim->now_ns,
        acioi_sim_draw(sim, sim->latency_min_ns, sim->latency_max_ns));
}

int64_t
acioi_sim_late(struct sim *sim, double chance, uint64_t *count)
{
    if (!acioi_sim_chance(sim, chance, count))
        return 0;
    return acioi_sim_draw(sim, 1, sim->late_max_ns);
}

ssize_t
acioi_sim_transfer(struct sim *sim, size_t bytes)
{
    struct acio_sim_stats *stats = &sim->stats;
    stats->transfers++;
    if (stats->transfers == sim->options.reset_at) {
        stats->resets++;
        return -ECONNRESET;
    }
    if (acioi_sim_chance(sim, sim->options.resets, &stats->resets))
        return -ECONNRESET;
    if (bytes == 1)
        return 1;
    if (stats->transfers == sim->options.short_at) {
        stats->short_transfers++;
        return 1;
    }
    if (acioi_sim_chance(sim, sim->options.short_transfers,
            &stats->short_transfers))
        return acioi_sim_draw(sim, 1, (int64_t)bytes - 1);
    return (ssize_t)bytes;
}

/* ---- options and statistics ---- */

static int
read_seed(struct sim *sim)
{
    sim->stats.seed = sim->options.seed ? sim->options.seed : 1;
    const char *text = getenv("ACIO_SIM_SEED");
    if (text && *text) {
        char *end;
        errno = 0;
        sim->stats.seed = strtoull(text, &end, 0);
        if (*end || errno)
            return -EINVAL;
    }
    sim->random = sim->stats.seed;
    return 0;
}

static int
read_latency(struct sim *sim)
{
    const struct acio_sim_options *options = &sim->options;
    sim->latency_min_ns = acioi_seconds_to_ns(options->latency_min);
    sim->latency_max_ns = acioi_seconds_to_ns(options->latency_max);
    if (options->latency_max < 0) {
        sim->latency_min_ns = sim->latency_max_ns = 0;
    } else if (sim->latency_max_ns == 0 && sim->latency_min_ns == 0) {
        sim->latency_min_ns = LATENCY_MIN_NS;
        sim->latency_max_ns = LATENCY_MAX_NS;
    }
    bool sane = sim->latency_min_ns >= 0 &&
        sim->latency_min_ns <= sim->latency_max_ns &&
        sim->latency_max_ns <= LONGEST_NS;
    return sane ? 0 : -EINVAL;
}

static int
read_late(struct sim *sim)
{
    sim->late_max_ns = acioi_seconds_to_ns(sim->options.late_max);
    if (sim->late_max_ns == 0)
        sim->late_max_ns = LATE_MAX_NS;
    return sim->late_max_ns > 0 && sim->late_max_ns <= LONGEST_NS ? 0 : -EINVAL;
}

int
acioi_sim_init_chance(struct sim *sim, const struct acio_sim_options *options)
{
    if (options)
        sim->options = *options;
    if (sim->options.buffer_bytes == 0)
        sim->options.buffer_bytes = BUFFER_BYTES;
    int err = read_seed(sim);
    if (err == 0)
        err = read_latency(sim);
    if (err == 0)
        err = read_late(sim);
    return err;
}

int
acio_sim_stats(const acio_loop *loop, struct acio_sim_stats *out)
{
    if (loop->backend != &acioi_backend_sim)
        return -EINVAL;
    const struct sim *sim = acioi_sim_of(loop);
    *out = sim->stats;
    out->now_ns = sim->now_ns;
    return 0;
}
