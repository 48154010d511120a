/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by all tests: cmocka, and measures of numeric errors. */
#ifndef SOUK_TEST_H
#define SOUK_TEST_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/device.h"
#include "base/rng.h"

/* x[i] ~ N(0, scale^2), a pure function of (seed, i). */
static inline void fill_normal(float *x, int64_t count, uint64_t seed, float scale)
{
    for (int64_t i = 0; i < count; i++) {
        const Philox p = philox(seed, 0, (uint64_t)i);
        x[i] = scale * philox_normal(p.word[0], p.word[1]);
    }
}

/* ||have - want|| / ||want||, or ||have|| where want is 0. Where `have` has a NaN or an infinity,
 * no comparison `<= bound` holds. */
static inline double relative_l2(const float *have, const double *want, int64_t count)
{
    double difference = 0.0, norm = 0.0;
    for (int64_t i = 0; i < count; i++) {
        difference += ((double)have[i] - want[i]) * ((double)have[i] - want[i]);
        norm += want[i] * want[i];
    }
    return norm > 0.0 ? sqrt(difference / norm) : sqrt(difference);
}

#define assert_near(have, want, bound)                                                             \
    do {                                                                                           \
        const double have_ = (have), want_ = (want), bound_ = (bound);                             \
        if (!(fabs(have_ - want_) <= bound_))                                                      \
            fail_msg("%s = %.9g, want %.9g within %.3g", #have, have_, want_, bound_);             \
    } while (0)

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        if ((call) != OK) fail_msg("%s: %s", #call, status_message());                             \
    } while (0)

/* The call fails with the status `want`, and its message contains `saying`. */
#define assert_refused(call, want, saying)                                                         \
    do {                                                                                           \
        status_clear();                                                                            \
        assert_int_equal((call), want);                                                            \
        if (!strstr(status_message(), saying))                                                     \
            fail_msg("\"%s\" does not say \"%s\"", status_message(), saying);                      \
        status_clear();                                                                            \
    } while (0)

#endif
