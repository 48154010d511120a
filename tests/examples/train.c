/* SPDX-License-Identifier: Apache-2.0 */
/* Ingests a log and trains on it, and shows how far it is: train LOG.csv DATA.h5 FOLDER */
#include <math.h>
#include <souk.h>
#include <stdio.h>

static int show(void *context, const souk_progress *p)
{
    (void)context;
    if (!p->ended && p->step % 10 != 0) return 0; /* 0: go on */
    printf("%s %lld/%lld", p->stage, (long long)p->step, (long long)p->total);
    if (!isnan(p->loss)) printf(", loss %.4f", p->loss);
    if (!isnan(p->validation)) printf(", NDCG@10 %.4f", p->validation);
    return puts(""), 0;
}

int main(int argc, char **argv)
{
    souk_ingest_options ingest = SOUK_INGEST_OPTIONS_INIT;
    souk_train_options train = SOUK_TRAIN_OPTIONS_INIT;
    souk_train_result result = SOUK_TRAIN_RESULT_INIT;
    souk_error error;
    char settings[1024];
    const char *log;
    if (argc != 4) return 2;

    log = argv[1];
    ingest.inputs = &log;
    ingest.input_count = 1;
    ingest.output = argv[2];
    ingest.plain_keys = 1;
    ingest.force = 1;
    ingest.progress = show;
    if (souk_ingest(&ingest, NULL, &error)) return puts(error.message), 1;

    snprintf(settings, sizeof settings,
             "data.path = %s\n"
             "train.out = %s\n"
             "train.steps = 30\n"
             "learn.objective = cross_entropy+double_q\n",
             argv[2], argv[3]);
    train.settings = settings;
    train.force = 1;
    train.progress = show;
    if (souk_train(&train, &result, &error)) return puts(error.message), 1;
    printf("%lld steps in %.1f s\n", (long long)result.steps, result.seconds);
    return 0;
}
