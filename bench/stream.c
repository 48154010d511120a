/* SPDX-License-Identifier: Apache-2.0 */
/* How fast the stream delivers packed batches: a log made on the spot goes straight through the
 * behaviour file's writer, plain and compressed, and is read back by 0, 1 and 2 readers.
 *
 *     stream EVENTS FOLDER OUT.json
 *
 * Leaves the logs in FOLDER: stream-0.h5 plain, stream-1.h5 compressed.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/progress.h"
#include "base/rng.h"
#include "data/behaviour/write.h"
#include "data/stream/stream.h"

enum { ITEMS = 100000, LONGEST = 199, REPEATS = 3 };

/* Histories of 1 .. 199 events, 100 on average; items of a power law; gaps of seconds to days. */
static const UserHistory *make_user(int64_t user)
{
    static int32_t item[LONGEST];
    static uint8_t action[LONGEST], end[LONGEST];
    static int64_t time[LONGEST];
    static float reward[LONGEST];
    static UserHistory h;
    const int64_t count = 1 + philox(9, (uint64_t)user, 1000).word[0] % LONGEST;
    int64_t now = 1700000000000 + philox(9, (uint64_t)user, 1001).word[0];
    for (int64_t i = 0; i < count; i++) {
        const Philox p = philox(9, (uint64_t)user, (uint64_t)i);
        const float u = philox_uniform(p.word[0]);
        item[i] = (int32_t)(u * u * u * ITEMS);
        action[i] = p.word[1] % 20 ? 0 : (uint8_t)(1 + p.word[1] % 2);
        now += p.word[2] % 10 ? p.word[2] % 300000 : p.word[2] % 86400000;
        time[i] = now;
        reward[i] = 0.5f * (float)action[i];
        end[i] = i + 1 == count ? END_TRUNCATED : END_GOES_ON;
    }
    h = (UserHistory){.pseudonym = philox_u64(9, 1, (uint64_t)user),
                      .count = count,
                      .item = item,
                      .action = action,
                      .time = time,
                      .reward = reward,
                      .end = end,
                      .split = {{0, count}, {count, count}, {count, count}}};
    return &h;
}

static Status finish(BehaviourWriter *w)
{
    char(*text)[16] = malloc(sizeof(char[ITEMS][16]));
    const char **key = malloc(ITEMS * sizeof *key);
    Status st = text && key ? OK : FAIL(ERR_MEMORY, "no memory for the items");
    for (int i = 0; i < ITEMS && st == OK; i++) {
        snprintf(text[i], sizeof text[i], "%d", i);
        key[i] = text[i];
    }
    const BehaviourCatalogue catalogue = {.items = ITEMS, .item_key = key};
    if (st == OK) st = behaviour_write_finish(w, &catalogue);
    free(text);
    free(key);
    return st;
}

static double processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* `seconds`: inside the writer alone, without making the log. */
static Status write_log(const char *path, int64_t events, bool compress, double *seconds)
{
    static const char *const names[] = {"view", "cart", "purchase"};
    static const float rewards[] = {0.0f, 0.5f, 1.0f};
    const BehaviourHeader header = {.actions = 3,
                                    .action_name = names,
                                    .action_reward = rewards,
                                    .episode_gap_ms = 1800000,
                                    .compress = compress};
    BehaviourWriter *w = NULL;
    int64_t written = 0;
    *seconds = 0;
    Status st = behaviour_write_create(&w, path, &header);
    for (int64_t user = 0; written < events && st == OK; user++) {
        const UserHistory *h = make_user(user);
        const double from = progress_seconds();
        st = behaviour_write_append(w, h);
        *seconds += progress_seconds() - from;
        written += h->count;
    }
    const double from = progress_seconds();
    if (st == OK) st = finish(w);
    *seconds += progress_seconds() - from;
    behaviour_write_close(w);
    return st;
}

typedef struct {
    double rate;      /* events/s, best of the repeats */
    double core_rate; /* events a second of processor time, of the same repeat */
    double share;
} Reading;

/* One epoch of batches, each touched once by the reader of the stream. */
static Status read_epoch(const Behaviour *b, int threads, Reading *best)
{
    const StreamOptions o = {.split = SPLIT_TRAIN,
                             .tokens = 16384,
                             .length = 200,
                             .pool_events = 1 << 22,
                             .seed = 1,
                             .threads = threads,
                             .shuffle = true};
    Stream *s;
    const Batch *batch = NULL;
    int64_t used = 0, room = 0;
    const double from = progress_seconds(), core_from = processor_seconds();
    TRY(stream_open(&s, b, &o, (StreamCursor){0}));
    Status st = stream_next(s, &batch);
    while (st == OK && batch->cursor.epoch == 0) {
        used += batch->used;
        room += batch->tokens;
        st = stream_next(s, &batch);
    }
    const double seconds = progress_seconds() - from, core = processor_seconds() - core_from;
    stream_close(s);
    if ((double)used / seconds > best->rate)
        *best = (Reading){(double)used / seconds, (double)used / core, (double)used / (double)room};
    return st;
}

static Status bench_file(const char *path, int64_t events, bool compress, json_t *rows)
{
    double writing, opening;
    struct stat info;
    Behaviour b;
    TRY(write_log(path, events, compress, &writing));
    const double from = progress_seconds();
    TRY(behaviour_open(&b, path));
    opening = progress_seconds() - from;
    if (stat(path, &info) != 0) info.st_size = 0;
    const char *layout = compress ? "compressed" : "plain";
    printf("%-11s %6.1f M events, %6.0f MB   written at %6.1f M events/s   opened (checked) at "
           "%6.1f\n",
           layout, 1e-6 * (double)b.events, 1e-6 * (double)info.st_size,
           1e-6 * (double)b.events / writing, 1e-6 * (double)b.events / opening);
    Status st = OK;
    for (int threads = 0; threads <= 2 && st == OK; threads++) {
        Reading best = {0};
        for (int i = 0; i < REPEATS && st == OK; i++) st = read_epoch(&b, threads, &best);
        printf("%-11s %d readers   %7.1f M events/s   %7.1f M events/s of a core   %.2f %% real "
               "tokens\n",
               layout, threads, 1e-6 * best.rate, 1e-6 * best.core_rate, 100.0 * best.share);
        json_array_append_new(
            rows, json_pack("{s:s,s:i,s:I,s:f,s:f,s:f,s:f,s:f,s:f}", "layout", layout, "readers",
                            threads, "events", (json_int_t)b.events, "bytes", (double)info.st_size,
                            "events_per_second", best.rate, "events_per_core_second",
                            best.core_rate, "real_tokens", best.share, "write_events_per_second",
                            (double)b.events / writing, "open_events_per_second",
                            (double)b.events / opening));
    }
    behaviour_close(&b);
    return st;
}

int main(int argc, char **argv)
{
    char path[4096];
    if (argc != 4) return fprintf(stderr, "usage: stream EVENTS FOLDER OUT.json\n"), 2;
    json_t *rows = json_array();
    Status st = OK;
    for (int compress = 0; compress < 2 && st == OK; compress++) {
        snprintf(path, sizeof path, "%s/stream-%d.h5", argv[2], compress);
        st = bench_file(path, strtoll(argv[1], NULL, 10), compress, rows);
    }
    if (st == OK && json_dump_file(rows, argv[3], JSON_INDENT(1)) != 0)
        st = FAIL(ERR_IO, "%s: cannot write", argv[3]);
    if (st != OK) fprintf(stderr, "stream: %s\n", status_message());
    json_decref(rows);
    return st != OK;
}
