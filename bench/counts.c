/* SPDX-License-Identifier: Apache-2.0 */
/* How fast the count table of a behaviour file is built, and in how much memory; and the item
 * vectors that a training starts with.
 *
 *     counts FILE.h5 MEMORY OUT.json
 *
 * MEMORY: bytes for counting, beside the table; 0: the default of a training.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/arena.h"
#include "base/progress.h"
#include "data/counts/tables.h"
#include "model/counts.h"
#include "model/spectral/spectral.h"

enum { WIDTH = 64, DIM = 64 };

static double processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int64_t peak_bytes(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (int64_t)use.ru_maxrss * 1024;
}

typedef struct {
    double seconds, processor_seconds;
} Times;

static Times now(void) { return (Times){progress_seconds(), processor_seconds()}; }

static Times since(Times from)
{
    return (Times){progress_seconds() - from.seconds, processor_seconds() - from.processor_seconds};
}

static Status place(const Behaviour *b, const CountTable *table, int threads)
{
    float *vectors;
    const SpectralOptions o = {
        .dim = DIM, .length = 0.6f, .spread = 0.02f, .seed = 1, .threads = threads};
    TRY(spectral_vectors(&vectors, table, &b->item_features, &o));
    free(vectors);
    return OK;
}

static Status bench(const Behaviour *b, Device *dev, int64_t bytes, const char *out)
{
    Arena memory = {0};
    CountTable table;
    int64_t events = 0;
    const TablesOptions o = {.counted = COUNTED_TRAIN, .threads = dev->threads, .memory = bytes};
    for (int64_t u = 0; u < b->users; u++)
        events += b->split[SPLIT_TRAIN][u][1] - b->split[SPLIT_TRAIN][u][0];
    TRY(counts_open(&table, &memory, b->items, WIDTH, dev));
    Status st;
    const Times begin = now();
    TRY_OR_FAIL(st, tables_count(&table, b, &o));
    const Times counting = since(begin), middle = now();
    const int64_t peak = peak_bytes();
    TRY_OR_FAIL(st, place(b, &table, dev->threads));
    const Times placing = since(middle);
    json_t *json =
        json_pack("{s:I, s:I, s:i, s:f, s:f, s:I, s:I, s:f, s:f}", "events", (json_int_t)events,
                  "items", (json_int_t)b->items, "threads", dev->threads, "seconds",
                  counting.seconds, "processor_seconds", counting.processor_seconds, "peak_bytes",
                  (json_int_t)peak, "table_bytes", (json_int_t)memory.used, "placing_seconds",
                  placing.seconds, "placing_processor_seconds", placing.processor_seconds);
    if (json_dump_file(json, out, JSON_INDENT(1)) != 0) st = FAIL(ERR_IO, "cannot write %s", out);
    json_decref(json);
fail:
    arena_close(&memory);
    return st;
}

int main(int argc, char **argv)
{
    Behaviour b = {0};
    Device dev = {0};
    if (argc != 4) {
        fprintf(stderr, "usage: counts FILE.h5 MEMORY OUT.json\n");
        return 2;
    }
    Status st = behaviour_open(&b, argv[1]);
    if (st == OK) st = device_open(&dev, "cpu", 0);
    if (st == OK) st = bench(&b, &dev, strtoll(argv[2], NULL, 10), argv[3]);
    behaviour_close(&b);
    device_close(&dev);
    if (st != OK) fprintf(stderr, "counts: %s\n", status_message());
    return st != OK;
}
