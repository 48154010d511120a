/* SPDX-License-Identifier: Apache-2.0 */
/* souk's side of bench/td.sh: TD targets of a batch over the whole catalogue.
 *
 *     td INPUT.safetensors OUTPUT.safetensors THREADS REPEATS
 *
 * INPUT: online_u, target_u [tokens, dim], items, target_items [items, dim], bias, target_bias
 * [items], reward [tokens] f32, end [tokens] u8, cu_seqlens [windows + 1] i32. OUTPUT: y.<backup>
 * [tokens] f32 and seconds.<backup> [repeats] f64. Prints the most bytes it held beyond its inputs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/progress.h"
#include "base/scratch.h"
#include "catalogue/catalogue.h"
#include "losses/td.h"
#include "model/safetensors.h"

enum { MAX_REPEATS = 64 };
static const float GAMMA = 0.9f;

typedef struct {
    Tensor online_u, target_u, items, target_items, bias, target_bias, reward, end, cu_seqlens;
} Inputs;

static Status read_inputs(Inputs *in, const Safetensors *file)
{
    const struct {
        const char *name;
        Tensor *to;
    } wanted[] = {
        {"online_u", &in->online_u},
        {"target_u", &in->target_u},
        {"items", &in->items},
        {"target_items", &in->target_items},
        {"bias", &in->bias},
        {"target_bias", &in->target_bias},
        {"reward", &in->reward},
        {"end", &in->end},
        {"cu_seqlens", &in->cu_seqlens},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const Tensor *found = safetensors_find(file, wanted[i].name);
        if (!found) return FAIL(ERR_FORMAT, "%s: no tensor \"%s\"", file->path, wanted[i].name);
        *wanted[i].to = *found;
    }
    return OK;
}

static void q_learning(Device *dev, Tensor next, const Inputs *in)
{
    const ItemTable table = {.id = in->target_items};
    catalogue_stats(dev, (CatalogueStats){.max = next}, in->target_u, &table, in->target_bias, 1);
}

static void expected_sarsa(Device *dev, Tensor next, const Inputs *in)
{
    const ItemTable table = {.id = in->target_items};
    catalogue_stats(dev, (CatalogueStats){.expectation = next}, in->target_u, &table,
                    in->target_bias, 1);
}

static void double_q(Device *dev, Tensor next, const Inputs *in)
{
    const ItemTable table = {.id = in->items}, target_table = {.id = in->target_items};
    Tensor chosen = SCRATCH(dev, I32, next.dim[0]);
    catalogue_stats(dev, (CatalogueStats){.argmax = chosen}, in->online_u, &table, in->bias, 1);
    catalogue_score(dev, next, in->target_u, &target_table, in->target_bias, chosen);
}

static const struct {
    const char *y, *seconds;
    void (*next_values)(Device *dev, Tensor next, const Inputs *in);
} backups[] = {
    {"y.q_learning", "seconds.q_learning", q_learning},
    {"y.double_q", "seconds.double_q", double_q},
    {"y.expected_sarsa", "seconds.expected_sarsa", expected_sarsa},
};
enum { BACKUPS = sizeof backups / sizeof *backups };

/* The first pass, which takes the memory, is not timed. */
static void measure(Device *dev, int backup, Tensor y, Tensor seconds, const Inputs *in)
{
    for (int64_t i = -1; i < seconds.dim[0]; i++) {
        const double from = progress_seconds();
        const size_t mark = scratch_mark(dev);
        Tensor next = SCRATCH(dev, F32, y.dim[0]), valid = SCRATCH(dev, F32, y.dim[0]);
        backups[backup].next_values(dev, next, in);
        td_targets(dev, y, valid, in->reward, in->end, next, in->cu_seqlens, GAMMA, 1, true);
        scratch_release(dev, mark);
        if (i >= 0) ((double *)seconds.data)[i] = progress_seconds() - from;
    }
}

static Status run(const char *input, const char *output, int threads, int64_t repeats)
{
    Safetensors file;
    Inputs in = {0};
    Device dev = {0};
    NamedTensor out[2 * BACKUPS];
    TRY(safetensors_open(&file, input));
    Status st = read_inputs(&in, &file);
    if (st == OK) st = device_open(&dev, "cpu", threads);
    for (int b = 0; b < BACKUPS && st == OK; b++) {
        const int64_t tokens = in.online_u.dim[0];
        static double times[BACKUPS][MAX_REPEATS];
        Tensor y = TENSOR(device_alloc(&dev, (size_t)tokens * sizeof(float), "targets"), F32,
                          tokens),
               seconds = TENSOR(times[b], F64, repeats);
        measure(&dev, b, y, seconds, &in);
        out[2 * b] = (NamedTensor){backups[b].y, y};
        out[2 * b + 1] = (NamedTensor){backups[b].seconds, seconds};
        st = device_sync(&dev);
    }
    if (st == OK) st = safetensors_write(output, out, 2 * BACKUPS, NULL, 0);
    if (st == OK) printf("%zu\n", dev.scratch.high_water);
    for (int b = 0; b < BACKUPS && st == OK; b++) device_free(&dev, out[2 * b].tensor.data);
    device_close(&dev);
    safetensors_close(&file);
    return st;
}

int main(int argc, char **argv)
{
    const int64_t repeats = argc == 5 ? strtoll(argv[4], NULL, 10) : 0;
    if (repeats < 1 || repeats > MAX_REPEATS)
        return fprintf(stderr, "usage: td INPUT OUTPUT THREADS REPEATS (1 .. %d)\n", MAX_REPEATS),
               2;
    if (run(argv[1], argv[2], (int)strtol(argv[3], NULL, 10), repeats) == OK) return 0;
    return fprintf(stderr, "td: %s\n", status_message()), 1;
}
