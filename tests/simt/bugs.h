/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOUK_SIMT_BUGS_H
#define SOUK_SIMT_BUGS_H

#include <stdbool.h>

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Launch the kernels of the case `name`; returns false where there is no such case. `out` and `in`
 * are `count` ints on the device. */
bool bug_run(Device *dev, const char *name, int *out, int *in, int count);

#ifdef __cplusplus
}
#endif
#endif
