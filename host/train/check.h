/* SPDX-License-Identifier: Apache-2.0 */
/* The same training on two devices side by side: does this machine compute what the CPU computes?
 *
 *   reference   the CPU in f32
 *   subject     the device, in the precision that is checked
 *   yardstick   in bf16 only: the CPU in bf16, which rounds at the same places (base/bf16.h)
 *
 * All runs have one seed and see the same batches. First each run makes some steps by itself, and
 * the parameters and target networks of the runs are compared. Then all runs take the reference's
 * parameters, and one more batch gives losses and gradients: these differ only by what the devices
 * compute for this batch, not by where the steps led.
 *
 * For a tensor, error(run) = ||run - reference||_2, and `relative` = error(subject) /
 * ||reference||_2.
 *
 * f32: error(subject) <= 1e-5 ||reference||. For parameters the bound is larger, by what AdamW can
 * make of gradients that are this close. AdamW divides by the root of the second moment v; where a
 * gradient is near 0 among larger ones, a small error can turn the sign of a whole step. With v
 * corrected for its start as in AdamW, and rms_i the root mean square of sqrt(v) over the row of
 * element i (within a row of a gradient all errors have about one size, the size of the terms that
 * are summed):
 *
 *     slack_i = sum over steps of lr min(2, 1e-5 rms_i / (sqrt(v_i) + eps))
 *     error(subject) <= 1e-5 ||reference|| + ||slack||
 *
 * The target network gets the share of the slack that it took of the parameters: at most
 * steps * learn.polyak, or all.
 *
 * bf16: error(subject) <= 1.5 error(yardstick), because the errors of two runs that round at the
 * same places are draws of one distribution. With d the yardstick's differences, error^2 = sum d^2
 * is as uncertain as a sum of m = (sum d^2)^2 / sum d^4 equal and independent parts, and the
 * logarithm of the ratio of two such sums has a variance of about 2/m. Where m >= 110, the factor
 * 1.5 (2.25 in the square) is six standard deviations. Tensors with a smaller m (small tensors, or
 * tensors where a few turned signs dominate) are judged together, the smallest m first, until their
 * pool has m >= 110. The pool sums error^2, of gradients relative^2, as gradients differ in size. A
 * loss is one number, whose error may vanish in one of two runs by chance: its bound is 1.5 times
 * the larger of the yardstick's error and one rounding, 2^-8 of the loss. For parameters and target
 * network, which are f32, the bound gets one spacing of f32 a step more: steps 2^-23 ||reference||.
 * The reference is f32 and not exact, which matters little: its own error is 2^-16 of a rounding to
 * bf16.
 */
#ifndef SOUK_CHECK_H
#define SOUK_CHECK_H

#include "data/stream/stream.h"
#include "train/trainer.h"

typedef struct {
    Dtype precision;
    Trainer reference, subject, yardstick;
    Stream *stream;
    float *slack; /* f32 only: slack of each element, laid out as PARAM_VALUE's flat buffer */
} Check;

/* Open all runs; the subject runs on config's train.device. */
Status check_open(Check *c, const Config *config, Dtype precision);
void check_close(Check *c); /* safe on {0} */
/* Let every run make one step on the next batch. */
Status check_step(Check *c);

typedef enum { CHECK_LOSS, CHECK_GRADIENT, CHECK_PARAMETER, CHECK_TARGET, CHECK_KINDS } CheckKind;
const char *check_kind_name(CheckKind kind);

typedef struct {
    CheckKind kind;
    char name[64]; /* of a loss or a parameter; "(pooled)" for all pooled tensors together */
    int64_t elements;
    double relative, largest; /* largest: max |subject - reference| */
    double bound;             /* largest `relative` that passes; a pooled tensor has no verdict */
    bool pooled, passed;
} CheckRow;

typedef struct {
    Dtype precision;
    int64_t steps;
    int count;
    CheckRow *row; /* [count] by falling relative / bound, pooled tensors last */
    bool passed;
} CheckReport;

/* Compare parameters, then losses and gradients of one more batch. Call no check_step
 * afterwards. */
Status check_compare(Check *c, CheckReport *report);
void check_report_close(CheckReport *report); /* safe on {0} */

#endif
