/* SPDX-License-Identifier: Apache-2.0 */
#include "api/explain.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "api/batch.h"

_Static_assert((int)SOUK_TERMS == (int)COUNTED_TERMS &&
                   (int)SOUK_TERM_POINTER == (int)TERM_POINTER &&
                   (int)SOUK_EVIDENCE_MAX == (int)EVIDENCE_MOST,
               "souk.h has the terms and the evidence of infer/explain");

Status api_explain(Explanation *e, souk_model *model, const souk_history *history,
                   const int32_t *item, int64_t k, int64_t events)
{
    ApiBatch batch;
    TRY(call_needs(history, "history"));
    TRY(api_batch_open(&batch, model, history, 1));
    const Status st = explain_open(e, model->session, batch.history, item, k, events);
    api_batch_close(&batch);
    return st;
}

/* ---- Handing out ----------------------------------------------------------------------------- */

static void hand_out_parts(const ExplainParts *p, souk_explanation *out)
{
    out->taste = p->dense;
    out->counts = p->counted;
    out->taste_score = p->z;
    out->taste_history = p->z_taste;
    out->taste_item = p->z_item;
    out->seen = p->seen;
    if (!p->candidate) return;
    out->counts_score = p->r;
    for (int t = 0; t < SOUK_TERMS; t++) out->counts_term[t] = p->term[t];
}

static void hand_out_item(const souk_model *model, const Explanation *e, int64_t i,
                          souk_explanation *out)
{
    const ExplainedItem *x = &e->item[i];
    *out = (souk_explanation){.item = x->item,
                              .key = souk_model_item_key(model, x->item),
                              .score = x->values.score,
                              .log_probability = x->values.log_probability,
                              .q = x->values.q,
                              .taste = NAN,
                              .counts = NAN,
                              .taste_score = NAN,
                              .taste_history = NAN,
                              .taste_item = NAN,
                              .counts_score = NAN,
                              .evidence_count = x->evidences};
    for (int t = 0; t < SOUK_TERMS; t++) out->counts_term[t] = NAN;
    if (e->has_policy) hand_out_parts(&x->parts, out);
    for (int n = 0; n < x->evidences; n++)
        out->evidence[n] =
            (souk_evidence){.before = e->first + e->events - 1 - x->evidence[n].event,
                            .item = x->evidence[n].item,
                            .times = (int64_t)x->evidence[n].times,
                            .next = (int64_t)x->evidence[n].next};
}

/* Effect j of item i is that of the event j before the last. */
static void hand_out_effects(const Explanation *e, const ExplainValues *effect, int64_t events,
                             souk_effect *out)
{
    for (int64_t i = 0; i < e->items; i++)
        for (int64_t j = 0; j < events; j++) {
            souk_effect *to = &out[i * events + j];
            *to = (souk_effect){NAN, NAN, NAN};
            if (j >= e->events) continue;
            const ExplainValues *v = &effect[i * e->events + e->events - 1 - j];
            *to = (souk_effect){v->score, v->log_probability, v->q};
        }
}

static void hand_out_answers(const Explanation *e, float *out)
{
    for (int64_t n = 0; n < e->items * e->actions; n++) out[n] = e->answer ? e->answer[n] : NAN;
}

/* ---- The call -------------------------------------------------------------------------------- */

static Status check(const souk_model *model, const souk_explain_options *o,
                    const souk_explanation *out, const souk_effect *effect)
{
    TRY(call_needs(model, "model"));
    TRY(call_needs(o->item, "options->item"));
    TRY(call_needs(out, "out"));
    if (o->k < 1 || o->k > INT32_MAX)
        return FAIL(ERR_USAGE, "options->k is %" PRId64 ", want 1 to %d", o->k, INT32_MAX);
    if (o->events < 0 || o->events > INT32_MAX)
        return FAIL(ERR_USAGE, "options->events is %" PRId64 ", want 0 to %d", o->events,
                    INT32_MAX);
    return o->events > 0 ? call_needs(effect, "effect") : OK;
}

static Status explain(souk_model *model, const souk_history *history,
                      const souk_explain_options *given, souk_explanation *out, souk_effect *effect,
                      souk_effect *together, float *answer)
{
    souk_explain_options o = SOUK_EXPLAIN_OPTIONS_INIT;
    Explanation e;
    TRY(call_options(&o, sizeof o, CALL_LEAST(souk_explain_options, events), given, "options"));
    TRY(check(model, &o, out, effect));
    TRY(api_explain(&e, model, history, o.item, o.k, o.events));
    for (int64_t i = 0; i < o.k; i++) hand_out_item(model, &e, i, &out[i]);
    hand_out_effects(&e, e.effect, o.events, effect);
    if (together) hand_out_effects(&e, e.together, o.events, together);
    if (answer) hand_out_answers(&e, answer);
    explain_close(&e);
    return OK;
}

souk_status souk_explain(souk_model *model, const souk_history *history,
                         const souk_explain_options *options, souk_explanation *out,
                         souk_effect *effect, souk_effect *together, float *answer,
                         souk_error *error)
{
    call_begin();
    return call_end(explain(model, history, options, out, effect, together, answer), error);
}
