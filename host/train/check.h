/* The same training on two devices side by side: does this machine compute what the CPU computes?
 *
 *   reference   the CPU in f32
 *   subject     the device, in the precision that is checked
 *   yardstick   in bf16 only: the CPU in bf16, which rounds at the same places (base/bf16.h)
 *
 * All have one seed and meet the same batches. After some steps, each run on its own, their parameters
 * and target networks are held against one another. Then all take the reference's, and one more batch
 * gives losses and gradients: these so differ by what the devices compute, not by where the steps led.
 *
 * For a tensor, error(run) = ||run - reference||_2, and `relative` = error(subject) / ||reference||_2.
 *
 * f32. error(subject) <= 1e-5 ||reference||. To parameters is added what AdamW makes of gradients that are
 * as close as that. It divides by the root of the second moment v, so that where a gradient is near 0
 * among larger ones a small error can turn the sign of a whole step:
 *
 *     slack_i = sum over steps of lr min(2, 1e-5 rms_i / (sqrt(v_i) + eps))
 *     error(subject) <= 1e-5 ||reference|| + ||slack||
 *
 * v corrected as AdamW's, rms_i the root mean square of sqrt(v) over the row that i is in. (Within a row
 * of a gradient errors are of one size: that of the terms it sums.) The target network has the share of
 * the slack that it took of the parameters: at most steps * learn.polyak, or all.
 *
 * bf16. error(subject) <= 1.5 error(yardstick): the errors of two runs that round at the same places
 * are draws of one distribution. With d the yardstick's differences, error^2 = sum d^2 is as uncertain
 * as a sum of m = (sum d^2)^2 / sum d^4 equal and independent parts, and the logarithm of the ratio of
 * two such sums has about the variance 2/m. Where m >= 110, 1.5 (2.25 in the square) is six standard
 * deviations; tensors with less (small ones, or such as a few turned signs rule) are judged together,
 * the smallest m first until they have that m as one: `pooled`. What is summed over them is error^2, of
 * gradients, whose sizes differ, relative^2. A loss is one number, whose error may vanish in one of two
 * runs: it may have 1.5 times the larger of the yardstick's error and of one rounding, 2^-8 of it. To
 * parameters and target network a spacing of f32 a step is added, steps 2^-23 ||reference||: they are f32.
 * (That the reference is f32 and not exact matters little: its own error is 2^-16 of a bf16 rounding.)
 */
#ifndef SOUK_CHECK_H
#define SOUK_CHECK_H

#include "data/stream/stream.h"
#include "train/trainer.h"

typedef struct {
    Dtype precision;
    Trainer reference, subject, yardstick;
    Stream *stream;
    float *slack; /* of f32: as PARAM_VALUE's flat buffer, what AdamW may have made of each */
} Check;

/* Open all runs; the subject on config's train.device. */
Status check_open(Check *c, const Config *config, Dtype precision);
void check_close(Check *c); /* safe on {0} */
/* One step of every run. */
Status check_step(Check *c);

typedef enum { CHECK_LOSS, CHECK_GRADIENT, CHECK_PARAMETER, CHECK_TARGET, CHECK_KINDS } CheckKind;
const char *check_kind_name(CheckKind kind);

typedef struct {
    CheckKind kind;
    char name[64]; /* of a loss or a parameter; "(pooled)": those that are, as one */
    int64_t elements;
    double relative, largest; /* largest: max |subject - reference| */
    double bound;             /* of `relative`; of a pooled one without a verdict */
    bool pooled, passed;
} CheckRow;

typedef struct {
    Dtype precision;
    int64_t steps;
    int count;
    CheckRow *row; /* falling relative / bound, those that are pooled last */
    bool passed;
} CheckReport;

/* Compare, and the last batch: no check_step afterwards. */
Status check_compare(Check *c, CheckReport *report);
void check_report_close(CheckReport *report); /* safe on {0} */

#endif
