/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/ops.h"

#include <stdlib.h>

#include "base/device/info.h"
#include "measure/ops_catalogue.h"
#include "measure/ops_counts.h"
#include "measure/ops_layers.h"
#include "measure/ops_losses.h"

static Status run(Bench *b)
{
    progress_begin(&b->progress, "cases", 0, b->options->listener);
    for (b->round = 0; b->round < b->rounds; b->round++) {
        b->next = 0;
        b->ceilings = true;
        TRY(measure_ceilings(b));
        b->ceilings = false;
        if (b->options->ceilings_only) continue;
        TRY(measure_ops_layers(b));
        TRY(measure_ops_losses(b));
        TRY(measure_ops_catalogue(b));
        TRY(measure_ops_counts(b));
    }
    progress_end(&b->progress, NULL);
    measure_summarise(b);
    return OK;
}

Status measure_ops(Device *dev, const BenchOptions *options, BenchReport *report)
{
    DeviceInfo info;
    device_info(dev, &info);
    *report = (BenchReport){0};
    Bench *b = calloc(1, sizeof *b);
    if (!b) return FAIL(ERR_MEMORY, "no memory for the samples");
    b->dev = dev, b->options = options, b->report = report;
    b->cache = options->tiny ? 0.0 : 2.0 * (double)info.cache;
    b->memory = 0.25 * (double)device_available(dev);
    b->rounds = options->tiny ? 1 : options->quick ? 2 : 3;
    b->samples = options->tiny ? 2 : options->quick ? 4 : 5;
    const Status st = run(b);
    free(b);
    return st;
}
