#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "lib/json/reader.h"
#include "lib/ocpi/validate.h"

/*
 * What reading one body costs without a hub: json_parse and ocpi_validate, on one thread.
 *
 *   validate --object NAME --body FILE [--rounds N]
 *
 * Each round parses the body anew into an emptied arena, as a request does, and validates what came of it;
 * each of the two is timed by itself, so that the median is not moved by what else runs on the machine. A
 * body with a finding is no measure and ends the program. The last line is JSON: bytes, rounds, parse_ns,
 * validate_ns (medians).
 */

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static long median(int64_t *times, long count)
{
    qsort(times, (size_t)count, sizeof *times, by_value);
    return (long)times[count / 2];
}

static void measure(const struct ocpi_object *object, struct str body, long rounds)
{
    struct arena arena;
    arena_init(&arena, (size_t)1 << 20);
    int64_t *parse = bench_resize(NULL, (size_t)rounds * sizeof *parse);
    int64_t *validate = bench_resize(NULL, (size_t)rounds * sizeof *validate);
    for (long i = 0; i < rounds; i++) {
        const struct json_value *value;
        struct error error;
        struct ocpi_findings findings;
        arena_reset(&arena);
        int64_t start = bench_now_ns();
        if (json_parse(&arena, body, JSON_DEPTH_MAX, &value, &error) != OK)
            bench_die("--body: %s", error.text);
        int64_t parsed = bench_now_ns();
        ocpi_validate(&arena, object, value, false, &findings);
        validate[i] = bench_now_ns() - parsed;
        parse[i] = parsed - start;
        if (findings.essential_count + findings.finding_count + findings.unknown_count > 0)
            bench_die("--body: " STR_FMT, STR_ARG(findings.list[0].message));
    }
    printf("{\"bytes\":%zu,\"rounds\":%ld,\"parse_ns\":%ld,\"validate_ns\":%ld}\n", body.length, rounds,
           median(parse, rounds), median(validate, rounds));
    free(parse);
    free(validate);
    arena_free(&arena);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"object", required_argument, NULL, 'o'},
                                            {"body", required_argument, NULL, 'b'},
                                            {"rounds", required_argument, NULL, 'r'},
                                            {NULL, 0, NULL, 0}};
    const char *name = NULL, *body_file = NULL;
    long rounds = 50000;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'o':
            name = optarg;
            break;
        case 'b':
            body_file = optarg;
            break;
        case 'r':
            rounds = bench_number("rounds", optarg, 1, 10000000);
            break;
        default:
            bench_die("usage: validate --object NAME --body FILE [--rounds N]");
        }
    }
    if (name == NULL || body_file == NULL)
        bench_die("--object and --body are needed");
    const struct ocpi_object *object = ocpi_object_find(name);
    if (object == NULL)
        bench_die("--object: OCPI has no object %s", name);
    size_t length;
    char *body = bench_read_file(body_file, &length);
    measure(object, str_of(body, length), rounds);
    free(body);
    return 0;
}
