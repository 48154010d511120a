/* SPDX-License-Identifier: Apache-2.0 */
/* Builds cuDNN's plans for a GPU that is not in this machine. plans.sh runs it with the stand-in
 * driver of driver.c.
 *
 *   plans CAPABILITY PROPERTIES.json
 *
 * For every shape, the forward plan builds. The deterministic backward plan builds on sm_90, and
 * its workspace is the one that attention_choice() expects. attention_choice() sends no call to
 * cuDNN that has no plan.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attention/cudnn_graph.h"
#include "attention_shapes.h"

static int failed, count;

static void report(int good, const char *what, const AttentionShape *s, const NamedShape *named,
                   const char *why)
{
    printf("%sok %d - %s: %d heads of %d, %d sequences up to %d (%s)\n", good ? "" : "not ",
           ++count, what, (int)s->heads, (int)s->head_dim, (int)s->sequences, (int)s->longest,
           named->of);
    if (!good) printf("#   %s\n", why);
    failed += !good;
}

static const char *read_file(const char *path)
{
    static char text[1 << 14];
    FILE *f = fopen(path, "r");
    if (!f) {
        perror(path);
        exit(2);
    }
    const size_t bytes = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[bytes] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return text;
}

/* Whether the shape has a plan whose code is for the GPU and whose workspace is not above what
 * attention_choice() expects. */
static int has_plan(const AttentionShape *s, int capability, const char *json)
{
    const int *loaded = dlsym(RTLD_DEFAULT, "standin_capability");
    const int64_t most = attention_choice_scratch(s);
    int64_t workspace = 0;
    status_clear();
    if (attention_cudnn_graph_plan(s, json, &workspace) != OK) return 0;
    if (!loaded || *loaded != capability)
        FAIL(ERR_DEVICE, "the code is for sm_%d, want sm_%d", loaded ? *loaded : 0, capability);
    else if (workspace > most)
        FAIL(ERR_DEVICE, "a workspace of %lld bytes, want at most %lld", (long long)workspace,
             (long long)most);
    else
        return 1;
    return 0;
}

static void try_shape(const NamedShape *named, int capability, const char *json)
{
    AttentionCall call = {.cudnn = true,
                          .capability = capability,
                          .aligned = true,
                          .dtype = BF16,
                          .tokens = named->sequences * named->longest,
                          .sequences = named->sequences,
                          .longest = named->longest,
                          .heads = named->heads,
                          .head_dim = named->head_dim};
    AttentionShape s = attention_choice_shape(&call);
    report(has_plan(&s, capability, json), "a forward plan", &s, named, status_message());
    call.backward = s.backward = true;
    if (capability == 90)
        report(has_plan(&s, capability, json), "a backward plan", &s, named, status_message());
    else
        report(attention_choice(&call) != ATTENTION_CUDNN, "backward is not cuDNN's", &s, named,
               "chosen, but not deterministic here");
}

int main(int argc, char **argv)
{
    if (argc != 3) return 2;
    const char *json = read_file(argv[2]);
    for (int i = 0; i < ATTENTION_SHAPES; i++)
        try_shape(&attention_shapes[i], (int)strtol(argv[1], NULL, 10), json);
    printf("1..%d\n", count);
    return failed > 0;
}
