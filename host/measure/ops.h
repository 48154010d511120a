/* SPDX-License-Identifier: Apache-2.0 */
/* Measures the ceilings of the machine, then every op. */
#ifndef SOUK_MEASURE_OPS_H
#define SOUK_MEASURE_OPS_H

#include "base/device.h"
#include "measure/bench.h"

/* Fills the report. Leaves out the catalogues that the device's memory can not hold. */
Status measure_ops(Device *dev, const BenchOptions *options, BenchReport *report);

#endif
