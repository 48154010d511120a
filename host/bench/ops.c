#include "bench/bench.h"

#include "bench/measure.h"

Status bench_ops(Device *dev, const BenchOptions *options, BenchReport *report)
{
    *report = (BenchReport){0};
    /* Twice the L2 cache of the GPUs souk is built for; of a processor's, what fits the patience. */
    Bench b = {dev, options, report, ON_CUDA(dev) ? 128e6 : 64e6};
    TRY(bench_ceilings(&b));
    TRY(bench_layers(&b));
    return bench_catalogue(&b);
}
