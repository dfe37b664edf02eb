#include "hubd/request/line.h"

#include <stdlib.h>

#include "lib/base/bug.h"
#include "lib/base/error.h"
#include "lib/base/magic.h"

#define BUCKETS 1024 /* a power of two */
/* Empty lines that a bucket keeps for the next request: a push allocates nothing. */
#define SPARE_MAX 4

struct line {
    struct line *next;
    uint64_t key;
    unsigned inside; /* how many have their turn */
    bool alone;      /* the one inside has it alone */
    struct ring waiting;
};

struct line_bucket {
    uv_mutex_t lock;
    struct line *first;
    struct line *spare;
    unsigned spare_count;
};

struct lines {
    struct line_bucket buckets[BUCKETS];
};

static struct line_bucket *bucket_of(struct lines *lines, uint64_t key)
{
    return &lines->buckets[(key ^ key >> 32) & (BUCKETS - 1)];
}

struct lines *lines_new(void)
{
    struct lines *lines = calloc(1, sizeof *lines);
    for (unsigned i = 0; lines != NULL && i < BUCKETS; i++)
        if (uv_mutex_init(&lines->buckets[i].lock) != 0)
            BUG("a lock of lines cannot be made");
    return lines;
}

void lines_free(struct lines *lines)
{
    if (lines == NULL)
        return;
    for (unsigned i = 0; i < BUCKETS; i++) {
        struct line_bucket *bucket = &lines->buckets[i];
        while (bucket->spare != NULL) {
            struct line *line = bucket->spare;
            bucket->spare = line->next;
            free(line);
        }
        uv_mutex_destroy(&bucket->lock);
    }
    free(lines);
}

/* The line of that key, made when there is none; NULL: no memory. */
static struct line *bucket_line(struct line_bucket *bucket, uint64_t key)
{
    struct line *line = bucket->first;
    while (line != NULL && line->key != key)
        line = line->next;
    if (line != NULL)
        return line;
    line = bucket->spare;
    if (line != NULL) {
        bucket->spare = line->next;
        bucket->spare_count--;
    } else if ((line = malloc(sizeof *line)) == NULL) {
        return NULL;
    }
    *line = (struct line){.next = bucket->first, .key = key};
    ring_init(&line->waiting);
    bucket->first = line;
    return line;
}

static void bucket_drop(struct line_bucket *bucket, struct line *line)
{
    struct line **link = &bucket->first;
    while (*link != line)
        link = &(*link)->next;
    *link = line->next;
    if (bucket->spare_count == SPARE_MAX) {
        free(line);
        return;
    }
    line->next = bucket->spare;
    bucket->spare = line;
    bucket->spare_count++;
}

/* Whether one more place may have its turn now. */
static bool line_admits(const struct line *line, enum line_mode mode)
{
    return line->inside == 0 || (mode == LINE_SHARED && !line->alone);
}

static void line_admit(struct line *line, enum line_mode mode)
{
    line->inside++;
    line->alone = mode == LINE_ALONE;
}

static void line_run_turn(struct loop_task *task)
{
    struct line_place *place = CONTAINER_OF(task, struct line_place, task);
    place->turn(place);
}

int line_enter(struct lines *lines, uint64_t key, struct line_place *place, enum line_mode mode)
{
    struct line_bucket *bucket = bucket_of(lines, key);
    int result = ERR_MEMORY;
    place->mode = mode;
    uv_mutex_lock(&bucket->lock);
    struct line *line = place->line = bucket_line(bucket, key);
    if (line != NULL) {
        result = ring_is_empty(&line->waiting) && line_admits(line, mode);
        if (result)
            line_admit(line, mode);
        else
            ring_push(&line->waiting, &place->waiting);
    }
    uv_mutex_unlock(&bucket->lock);
    return result;
}

/* Takes the places whose turn it is now, in their order. */
static void line_call(struct line *line)
{
    while (!ring_is_empty(&line->waiting)) {
        struct line_place *place = CONTAINER_OF(line->waiting.next, struct line_place, waiting);
        if (!line_admits(line, place->mode))
            return;
        ring_remove(&place->waiting);
        line_admit(line, place->mode);
        place->task.run = line_run_turn;
        loop_post(place->loop, &place->task);
    }
}

void line_leave(struct lines *lines, struct line_place *place)
{
    struct line *line = place->line;
    if (line == NULL)
        return;
    struct line_bucket *bucket = bucket_of(lines, line->key);
    place->line = NULL;
    uv_mutex_lock(&bucket->lock);
    line->inside--;
    line_call(line);
    if (line->inside == 0) /* then nobody waits either */
        bucket_drop(bucket, line);
    uv_mutex_unlock(&bucket->lock);
}
