/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ope/weights.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void multiply_ratios(OpeWeights *w, const OpeLog *of)
{
    double most = -INFINITY;
    for (int64_t k = 0; k < of->episodes; k++) {
        double sum = 0.0;
        for (int64_t i = of->episode[k]; i < of->episode[k + 1]; i++) sum += log(w->ratio[i]);
        w->log_episode[k] = sum;
        most = fmax(most, sum);
    }
    w->overlap.log_scale = isfinite(most) ? most : 0.0;
}

/* The number after the last episode of user u. */
static int64_t episodes_end(const OpeLog *log, int64_t u, int64_t first)
{
    while (first < log->episodes && log->episode[first] < log->first[u + 1]) first++;
    return first;
}

static double scaled(const OpeWeights *w, int64_t episode)
{
    return exp(w->log_episode[episode] - w->overlap.log_scale);
}

static void measure_mean(OpeWeights *w, const OpeLog *log)
{
    double sum = 0.0, square = 0.0;
    for (int64_t k = 0; k < log->episodes; k++) {
        sum += scaled(w, k);
        square += scaled(w, k) * scaled(w, k);
    }
    w->overlap.scaled_mean = sum / (double)log->episodes;
    w->overlap.ess = square > 0.0 ? sum * sum / square : 0.0;
}

/* The standard error of the mean, over users. */
static void measure_error(OpeWeights *w, const OpeLog *log)
{
    const double users = (double)log->users;
    double residual = 0.0;
    for (int64_t u = 0, k = 0; u < log->users; u++) {
        double of_user = 0.0;
        for (const int64_t end = episodes_end(log, u, k); k < end; k++)
            of_user += scaled(w, k) - w->overlap.scaled_mean;
        residual += of_user * of_user;
    }
    w->overlap.scaled_error =
        log->users > 1 ? sqrt(users / (users - 1.0) * residual) / (double)log->episodes : INFINITY;
}

Status ope_weights_open(OpeWeights *w, const OpeLog *log, const double *chosen)
{
    *w = (OpeWeights){.ratio = malloc(((size_t)log->count + 1) * sizeof *w->ratio),
                      .log_episode = malloc(((size_t)log->episodes + 1) * sizeof *w->log_episode)};
    if (!w->ratio || !w->log_episode) {
        ope_weights_close(w);
        return FAIL(ERR_MEMORY, "no memory for the weights of %" PRId64 " decisions", log->count);
    }
    for (int64_t i = 0; i < log->count; i++) w->ratio[i] = chosen[i] / (double)log->propensity[i];
    multiply_ratios(w, log);
    measure_mean(w, log);
    measure_error(w, log);
    OpeOverlap *o = &w->overlap;
    const double scale = exp(o->log_scale);
    o->mean = scale * o->scaled_mean;
    o->error = o->scaled_error > 0.0 ? scale * o->scaled_error : 0.0;
    o->largest = o->scaled_mean > 0.0 ? scale : 0.0;
    return OK;
}

void ope_weights_close(OpeWeights *w)
{
    free(w->ratio);
    free(w->log_episode);
    *w = (OpeWeights){0};
}

bool ope_weights_balanced(const OpeOverlap *o, int *side)
{
    /* Where weights are above 1, all terms are divided by the greatest, so that they are finite. */
    const bool large = o->log_scale > 0.0;
    const double one = large ? exp(-o->log_scale) : 1.0;
    const double apart = (large ? o->scaled_mean : o->mean) - one;
    *side = apart < 0.0 ? -1 : 1;
    return fabs(apart) <= OPE_WEIGHT_SLACK * one + 4.0 * (large ? o->scaled_error : o->error);
}

const char *ope_weights_text(char out[OPE_WEIGHT_TEXT], double mantissa, double log_scale)
{
    const double x = mantissa * exp(log_scale), magnitude = (log(mantissa) + log_scale) / log(10.0);
    if (mantissa == 0.0 || !isfinite(mantissa) || (magnitude > -4.0 && magnitude < 9.0))
        snprintf(out, OPE_WEIGHT_TEXT, "%.4f", mantissa == 0.0 ? 0.0 : x);
    else if (fabs(magnitude) < 300.0)
        snprintf(out, OPE_WEIGHT_TEXT, "%.4g", x);
    else
        snprintf(out, OPE_WEIGHT_TEXT, "10^%.1f", magnitude);
    return out;
}
