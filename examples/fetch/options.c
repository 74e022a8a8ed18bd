/* SPDX-License-Identifier: MIT */
/* options.c - the command line */
#include <getopt.h>
#include <math.h>
#include <stdlib.h>

#include "fetch.h"

static const char help_text[] =
    "Usage: fetch [OPTION]... [URL]...\n"
    "Fetch many URLs at once, on one thread. Without any URL: fetch 1,000\n"
    "from a server of its own that answers each after a second.\n"
    "\n"
    "  -i, --input FILE       read URLs from FILE, one a line; - is stdin.\n"
    "                         Empty lines and lines that begin with # are "
    "skipped\n"
    "  -o, --output FOLDER    save each body in a file in FOLDER, named after\n"
    "                         its URL; without it bodies are only counted\n"
    "  -c, --concurrency N    fetch N at once (default 100)\n"
    "  -t, --timeout SECONDS  give up an attempt after SECONDS (default 30)\n"
    "      --retry N          try up to N times more, with growing pauses,\n"
    "                         where that may help (default 0)\n"
    "      --cacert FILE      trust the certificates in FILE\n"
    "      --json             print the summary as one JSON object\n"
    "  -q, --quiet            print no progress and no summary\n"
    "      --help             print this\n"
    "      --version          print the version\n"
    "\n"
    "Exit status: 0 all went well, 1 some failed, 2 wrong usage, 130 "
    "interrupted.\n"
    "Environment: ACIO_BACKEND is uring or epoll, NO_COLOR turns colours "
    "off.\n";

enum {
    OPTION_RETRY = 256,
    OPTION_JSON,
    OPTION_CACERT,
    OPTION_HELP,
    OPTION_VERSION
};

static const struct option long_options[] = {
    { "input", required_argument, NULL, 'i' },
    { "output", required_argument, NULL, 'o' },
    { "concurrency", required_argument, NULL, 'c' },
    { "timeout", required_argument, NULL, 't' },
    { "retry", required_argument, NULL, OPTION_RETRY },
    { "cacert", required_argument, NULL, OPTION_CACERT },
    { "json", no_argument, NULL, OPTION_JSON },
    { "quiet", no_argument, NULL, 'q' },
    { "help", no_argument, NULL, OPTION_HELP },
    { "version", no_argument, NULL, OPTION_VERSION },
    { NULL, 0, NULL, 0 },
};

static bool
parse_count(int *out, const char *name, const char *text, int least)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end || value < least || value > 1000000) {
        fprintf(stderr, "fetch: %s: not a number from %d to 1000000: %s\n",
            name, least, text);
        return false;
    }
    *out = (int)value;
    return true;
}

static bool
parse_seconds(double *out, const char *name, const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value) || value <= 0) {
        fprintf(stderr, "fetch: %s: not a number of seconds: %s\n", name, text);
        return false;
    }
    *out = value;
    return true;
}

static bool
take_option(struct options *out, int option)
{
    switch (option) {
    case 'i':
        out->input = optarg;
        return true;
    case 'o':
        out->folder = optarg;
        return true;
    case 'c':
        return parse_count(&out->concurrency, "--concurrency", optarg, 1);
    case 't':
        return parse_seconds(&out->timeout, "--timeout", optarg);
    case OPTION_RETRY:
        return parse_count(&out->retries, "--retry", optarg, 0);
    case OPTION_CACERT:
        out->ca_file = optarg;
        return true;
    case OPTION_JSON:
        return out->json = true;
    case 'q':
        return out->quiet = true;
    default: /* getopt has said what is wrong */
        return false;
    }
}

int
options_parse(struct options *out, int argc, char **argv)
{
    *out = (struct options){ .timeout = 30 };
    int option;
    while ((option = getopt_long(argc, argv, "i:o:c:t:q", long_options,
                NULL)) != -1) {
        if (option == OPTION_HELP) {
            fputs(help_text, stdout);
            return -1;
        }
        if (option == OPTION_VERSION) {
            printf("fetch (acio %s, %s)\n", acio_version(), curl_version());
            return -1;
        }
        if (!take_option(out, option)) {
            fputs("Try 'fetch --help'.\n", stderr);
            return EXIT_USAGE;
        }
    }
    out->urls = argv + optind;
    out->url_count = argc - optind;
    return 0;
}
