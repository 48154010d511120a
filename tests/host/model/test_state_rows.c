/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of states: their candidates are those of the op, whatever rows are asked for, and parts of
 * rows are the rows. */
#include "model/state_rows.h"

#include "infer/states.h"
#include "infer_case.h"

enum { WIDTH = 20, LENGTH = 12, HISTORIES = 30 };

static History histories[HISTORIES];

static void ask(InferCase *c, StateSink sink)
{
    static InferHistory space[HISTORIES];
    for (int i = 0; i < HISTORIES; i++) {
        histories[i] = *infer_history(&space[i], (uint64_t)i, 1 + i);
        if (i % 2) histories[i] = history_of_user(&c->file, i);
    }
    assert_ok(states_after(c->session, histories, HISTORIES, sink));
}

/* ---- Candidates ------------------------------------------------------------------------------ */

static void assert_rows(Tensor have, Tensor want, int64_t first)
{
    assert_int_equal(tensor_bytes(have), tensor_bytes(tensor_rows(want, first, have.dim[0])));
    assert_memory_equal(have.data, tensor_rows(want, first, have.dim[0]).data, tensor_bytes(have));
}

static void check_part(const StateRows *s, int64_t first, int64_t count)
{
    const StateRows p = state_rows_part(s, first, count);
    assert_true(p.in == s->in && p.all.data == s->all.data && p.calibrated == s->calibrated);
    assert_rows(p.h, s->h, first);
    assert_rows(p.token, s->token, first);
    assert_rows(p.candidates.item, s->candidates.item, first);
    assert_rows(p.candidates.feature, s->candidates.feature, first);
    assert_rows(p.candidates.state, s->candidates.state, first);
}

/* Rows without a state, states that two rows have, and all tokens. */
static Status check(void *context, const StateBatch *batch)
{
    InferCase *c = context;
    Device *dev = c->session->dev;
    const StateRows *s = &batch->rows;
    const int64_t rows = batch->count;
    int32_t token[2 * HISTORIES + 1] = {-1};
    for (int64_t i = 0; i < rows; i++)
        token[1 + 2 * i] = token[2 + 2 * i] = ((int32_t *)s->token.data)[i];
    const Tensor twice = TENSOR(token, I32, 2 * rows + 1);
    const Tensor none = {.dtype = F32, .rank = 2, .dim = {2 * rows + 1, 0}};
    const StateRows have = state_rows(dev, &c->model, s->in, s->all, twice, none);
    assert_false(have.calibrated);
    assert_true(((int32_t *)have.candidates.item.data)[0] == -1);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t copy = 0; copy < 2; copy++) {
            const StateRows one = state_rows_part(&have, 1 + 2 * i + copy, 1);
            assert_rows(one.candidates.item, s->candidates.item, i);
            assert_rows(one.candidates.feature, s->candidates.feature, i);
            assert_rows(one.candidates.state, s->candidates.state, i);
        }
    check_part(s, 0, rows);
    check_part(s, rows / 2, rows - rows / 2);
    return OK;
}

static void rows_have_the_candidates_of_their_tokens(void **state)
{
    (void)state;
    InferCase c;
    infer_case_open_counted(&c, HEAD_BIT(HEAD_POLICY), LENGTH, 2, WIDTH);
    ask(&c, (StateSink){check, &c});
    infer_case_close(&c);
}

/* ---- Own events ------------------------------------------------------------------------------ */

/* The first state features with the popularity and the weight of the last item: what a table that
 * never counted the user would say. */
static Status check_own(void *context, const StateBatch *batch)
{
    InferCase *c = context;
    const StateRows *s = &batch->rows;
    for (int64_t i = 0; i < batch->count; i++) {
        const int32_t x = ((int32_t *)s->in->item.data)[((int32_t *)s->token.data)[i]];
        const int64_t user = histories[i].user;
        double popularity = (double)f32(c->model.counts.popularity)[x];
        if (i % 2)
            for (int64_t row = c->file.split[SPLIT_TRAIN][user][0];
                 row < c->file.split[SPLIT_TRAIN][user][1]; row++) {
                int32_t item;
                assert_ok(columns_read(&c->file, COLUMN_ITEM, row, 1, &item));
                popularity -= item == x;
            }
        assert_true(f32(s->candidates.state)[i * COUNT_STATE_FEATURES + 2] == (popularity == 0.0));
        const int32_t *item = (int32_t *)s->candidates.item.data + i * WIDTH;
        for (int j = 0; j < WIDTH; j++)
            if (item[j] == x)
                assert_near(f32(s->candidates.feature)[(i * WIDTH + j) * COUNT_FEATURES + 5],
                            log(1.0 + popularity), 1e-6 * (1.0 + popularity));
    }
    return OK;
}

static void a_user_of_the_file_is_left_out_of_the_counts(void **state)
{
    (void)state;
    InferCase c;
    infer_case_open_counted(&c, HEAD_BIT(HEAD_POLICY), LENGTH, 1, WIDTH);
    ask(&c, (StateSink){check_own, &c});
    infer_case_close(&c);
}

/* ---- No table -------------------------------------------------------------------------------- */

static Status check_none(void *context, const StateBatch *batch)
{
    (void)context;
    assert_null(batch->rows.candidates.item.data);
    assert_null(state_rows_part(&batch->rows, 1, 2).candidates.feature.data);
    assert_int_equal(state_rows_part(&batch->rows, 1, 2).h.dim[0], 2);
    return OK;
}

static void without_a_table_there_are_no_candidates(void **state)
{
    (void)state;
    InferCase c;
    infer_case_open(&c, HEAD_BIT(HEAD_POLICY), LENGTH, 1);
    ask(&c, (StateSink){check_none, NULL});
    infer_case_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_the_candidates_of_their_tokens),
        cmocka_unit_test(a_user_of_the_file_is_left_out_of_the_counts),
        cmocka_unit_test(without_a_table_there_are_no_candidates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
