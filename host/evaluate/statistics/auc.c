/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/statistics/auc.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct {
    float score;
    int64_t event;
} Scored;

static int by_score(const void *a, const void *b)
{
    const Scored *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? -1 : 1;
    return (x->event > y->event) - (x->event < y->event);
}

/* Fills value[i] = v_i of the header and returns A. `sorted` is ascending in score. */
static double placements(double *value, const Scored *sorted, const uint8_t *label, int64_t count,
                         double positives, double negatives)
{
    double below_positives = 0.0, below_negatives = 0.0, area = 0.0;
    for (int64_t i = 0, end; i < count; i = end) {
        double p = 0.0, n = 0.0;
        for (end = i; end < count && sorted[end].score == sorted[i].score; end++) {
            p += label[sorted[end].event];
            n += !label[sorted[end].event];
        }
        const double of_positive = (below_negatives + 0.5 * n) / negatives;
        const double of_negative = (positives - below_positives - 0.5 * p) / positives;
        for (int64_t j = i; j < end; j++)
            value[sorted[j].event] = label[sorted[j].event] ? of_positive : of_negative;
        area += p * of_positive;
        below_positives += p;
        below_negatives += n;
    }
    return area / positives;
}

static Estimate interval(double area, const double *value, const uint8_t *label,
                         const int64_t *first, int64_t users, const Auc *counts)
{
    double sum = 0.0, present = 0.0, with[2] = {0.0, 0.0};
    for (int64_t u = 0; u < users; u++) {
        double influence = 0.0;
        bool has[2] = {false, false};
        for (int64_t i = first[u]; i < first[u + 1]; i++) {
            influence +=
                (value[i] - area) / (double)(label[i] ? counts->positives : counts->negatives);
            has[label[i] != 0] = true;
        }
        sum += influence * influence;
        present += first[u + 1] > first[u];
        for (int k = 0; k < 2; k++) with[k] += has[k];
    }
    return estimate_interval(area, sqrt(present / (present - 1.0) * sum),
                             fmin(with[0], with[1]) - 1.0, 0.0, 1.0);
}

Status auc_measure(Auc *out, const float *score, const uint8_t *label, const int64_t *first,
                   int64_t users)
{
    const int64_t count = first[users];
    *out = (Auc){.auc = {NAN, NAN, NAN, NAN, NAN}};
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(score[i]))
            return FAIL(ERR_FORMAT, "event %" PRId64 " has score %g, want a finite number", i,
                        (double)score[i]);
        out->positives += label[i] != 0;
    }
    out->negatives = count - out->positives;
    if (!out->positives || !out->negatives) return OK;
    Scored *sorted = malloc((size_t)count * sizeof *sorted);
    double *value = malloc((size_t)count * sizeof *value);
    const bool allocated = sorted && value;
    if (allocated) {
        for (int64_t i = 0; i < count; i++) sorted[i] = (Scored){score[i], i};
        qsort(sorted, (size_t)count, sizeof *sorted, by_score);
        const double area =
            placements(value, sorted, label, count, (double)out->positives, (double)out->negatives);
        out->auc = interval(area, value, label, first, users, out);
    }
    free(sorted);
    free(value);
    return allocated ? OK : FAIL(ERR_MEMORY, "no memory for the AUC of %" PRId64 " events", count);
}
