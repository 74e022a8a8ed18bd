/* SPDX-License-Identifier: MIT */
/* report.c - progress, failures, the summary
 *
 * Where.      Failures and the bar go to standard error, the summary to
 *             standard output. Without a terminal there is a line of progress
 *             every few seconds instead of the bar, on standard output; none
 *             with --json, whose object is all that is there.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fetch.h"

enum { BAR_CELLS = 24 };

static const double BAR_SECONDS = 0.1, LINE_SECONDS = 2.0;

static bool
wants_colours(int fd)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(fd) && !(no_color && *no_color) && term &&
        strcmp(term, "dumb") != 0;
}

/* `code` of a colour, or nothing. */
static const char *
colour(FILE *file, const char *code)
{
    return wants_colours(fileno(file)) ? code : "";
}

#define RED "\033[31m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"

void
report_init(struct report *report, const struct options *options)
{
    const char *term = getenv("TERM");
    *report = (struct report){ .options = options };
    report->bar = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 &&
        !options->quiet;
}

bool
report_expect(struct report *report, size_t total)
{
    report->total = total;
    report->times = calloc(total + 1, sizeof *report->times);
    return report->times != NULL;
}

void
report_free(struct report *report)
{
    free(report->times);
}

/* ---- text ---- */

void
format_count(char *out, size_t bytes, unsigned long long number)
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%llu", number);
    size_t at = 0;
    for (int i = 0; i < length && at + 2 < bytes; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

static void
format_bytes(char *out, size_t room, double bytes)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    size_t unit = 0;
    for (; bytes >= 1024 && unit < 4; unit++)
        bytes /= 1024;
    snprintf(out, room, "%.*f %s", unit > 0, bytes, units[unit]);
}

static void
clear_bar(struct report *report)
{
    if (report->bar_drawn)
        fputs("\r\033[K", stderr);
    report->bar_drawn = false;
}

/* URLs and server's words may hold what a terminal takes for a command. */
void
report_say(struct report *report, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    for (char *c = line; *c; c++) {
        if (iscntrl((unsigned char)*c))
            *c = '?';
    }
    clear_bar(report);
    fprintf(stderr, "%sfetch:%s %s\n", colour(stderr, RED),
        colour(stderr, PLAIN), line);
}

/* ---- counting ---- */

static struct tally *
find_tally(struct report *report, const char *reason)
{
    for (size_t i = 0; i < report->tally_count; i++) {
        if (strcmp(report->tallies[i].reason, reason) == 0)
            return &report->tallies[i];
    }
    if (report->tally_count == TALLIES)
        return &report->tallies[TALLIES - 1];
    struct tally *tally = &report->tallies[report->tally_count++];
    bool last = report->tally_count == TALLIES;
    snprintf(tally->reason, sizeof tally->reason, "%s",
        last ? "other reasons" : reason);
    return tally;
}

void
report_count(struct report *report, const char *reason, size_t count)
{
    if (count == 0)
        return;
    find_tally(report, reason)->count += count;
    report->failed += count;
}

void
report_outcome(struct report *report, const struct job *job,
    const struct outcome *outcome)
{
    report->sequential_s += outcome->seconds;
    if (outcome->error == 0) {
        report->times[report->ok++] = outcome->seconds;
        report->bytes += outcome->bytes;
        return;
    }
    report_count(report, outcome->reason, 1);
    if (strcmp(outcome->reason, "interrupted") != 0)
        report_say(report, "%.300s: %s: %s", job->url, outcome->reason,
            outcome->detail);
}

/* ---- progress ---- */

static void
draw_bar(struct report *report, size_t done, double rate, double left_s)
{
    char cells[BAR_CELLS + 1], bytes[32];
    size_t full = report->total ? done * BAR_CELLS / report->total : 0;
    for (size_t i = 0; i < BAR_CELLS; i++)
        cells[i] = i < full ? '=' : i == full ? '>' : ' ';
    cells[BAR_CELLS] = '\0';
    format_bytes(bytes, sizeof bytes, (double)report->bytes);
    fprintf(stderr, "\r\033[K[%s%s%s] %zu/%zu  %.0f/s  %s",
        colour(stderr, GREEN), cells, colour(stderr, PLAIN), done,
        report->total, rate, bytes);
    if (rate > 0)
        fprintf(stderr, "  ETA %.0f s", left_s);
    if (report->failed)
        fprintf(stderr, "  %s%zu failed%s", colour(stderr, RED), report->failed,
            colour(stderr, PLAIN));
    fflush(stderr);
    report->bar_drawn = true;
}

static void
show_progress(struct report *report)
{
    size_t done = report->ok + report->failed;
    double seconds = acio_loop_time(acio_get_running_loop()) - report->started;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    double left_s = rate > 0 ? (double)(report->total - done) / rate : 0;
    if (report->bar) {
        draw_bar(report, done, rate, left_s);
        return;
    }
    printf("%zu of %zu done, %zu failed, %.0f/s, about %.0f s left\n", done,
        report->total, report->failed, rate, left_s);
    fflush(stdout);
}

int
report_progress(void *arg)
{
    struct report_progress_args *a = arg;
    struct report *report = a->report;
    bool silent = report->options->quiet ||
        (report->options->json && !report->bar);
    while (!silent) {
        int err = acio_sleep(report->bar ? BAR_SECONDS : LINE_SECONDS);
        if (err < 0)
            break;
        show_progress(report);
    }
    return 0;
}

/* ---- the summary ---- */

static int
compare_times(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

/* The nearest rank; 0 where nothing went well. */
static double
percentile(const struct report *report, size_t percent)
{
    if (report->ok == 0)
        return 0;
    size_t rank = (report->ok * percent + 99) / 100;
    return report->times[rank - 1];
}

static void
print_json_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (strchr("\"\\", *text))
            putchar('\\');
        putchar(*text);
    }
    putchar('"');
}

static void
print_json(const struct report *report)
{
    printf("{\"ok\": %zu, \"failed\": %zu, \"failures\": {", report->ok,
        report->failed);
    for (size_t i = 0; i < report->tally_count; i++) {
        fputs(i ? ", " : "", stdout);
        print_json_text(report->tallies[i].reason);
        printf(": %zu", report->tallies[i].count);
    }
    printf("}, \"bytes\": %llu, \"elapsed_s\": %.6f, \"sequential_s\": %.6f, ",
        report->bytes, report->elapsed_s, report->sequential_s);
    printf("\"p50_s\": %.6f, \"p99_s\": %.6f, \"backend\": ",
        percentile(report, 50), percentile(report, 99));
    print_json_text(report->backend);
    puts("}");
}

static void
print_failures(const struct report *report)
{
    char count[32];
    format_count(count, sizeof count, report->failed);
    printf(", %s%s failed%s (", colour(stdout, RED), count,
        colour(stdout, PLAIN));
    for (size_t i = 0; i < report->tally_count; i++)
        printf("%s%s: %zu", i ? ", " : "", report->tallies[i].reason,
            report->tallies[i].count);
    putchar(')');
}

static void
print_comparison(const struct report *report)
{
    char sum[48];
    double together = report->elapsed_s, single = report->sequential_s;
    if (single >= 1000)
        format_count(sum, sizeof sum, (unsigned long long)single);
    else
        snprintf(sum, sizeof sum, "%.2f", single);
    printf("Together they took %.2f s. One by one their times add up to %s s, "
           "%.0f times as much.\n",
        together, sum, together > 0 ? single / together : 0);
}

static void
print_text(const struct report *report)
{
    char ok[32], bytes[32];
    format_count(ok, sizeof ok, report->ok);
    format_bytes(bytes, sizeof bytes, (double)report->bytes);
    printf("%s%s ok%s", colour(stdout, GREEN), ok, colour(stdout, PLAIN));
    if (report->failed)
        print_failures(report);
    printf(", %s (%s)\n", bytes, report->backend);
    if (report->ok == 0)
        return;
    printf("Half of them took %.3f s or less, 99 %% took %.3f s or less.\n",
        percentile(report, 50), percentile(report, 99));
    print_comparison(report);
}

void
report_summary(struct report *report)
{
    clear_bar(report);
    qsort(report->times, report->ok, sizeof *report->times, compare_times);
    if (report->options->json)
        print_json(report);
    else if (!report->options->quiet)
        print_text(report);
    fflush(stdout);
}
