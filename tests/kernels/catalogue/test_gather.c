/* SPDX-License-Identifier: Apache-2.0 */
/* Scores of several items a row and their gradient, against dense formulas in double. */
#include "heads.h"

#include "catalogue/gather.h"

static const struct {
    HeadShape head;
    int64_t k;
} shapes[] = {{{1, 1, 2, false, true}, 1},
              {{3, 5, 4, true, false}, 7},
              {{33, 70, 16, true, true}, 64},
              {{65, 3, 9, false, true}, 20},
              {{40, 9000, 33, false, false}, 64}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static Tensor make_ids(int64_t rows, int64_t k, int64_t items)
{
    const Tensor ids = NEW(I32, rows, k);
    for (int64_t n = 0; n < rows * k; n++)
        i32(ids)[n] = (int32_t)(philox_u64(9, 1, (uint64_t)n) % (uint64_t)(items + 1)) - 1;
    return ids;
}

typedef struct {
    Tensor score, du, did, dbias;
} Results;

/* What is there already is added to. */
static Results run(const HeadCase *c, Tensor ids, Tensor g, int threads)
{
    Device dev;
    const Results r = {NEW(F32, ids.dim[0], ids.dim[1]), NORMAL(61, 1, c->shape.rows, c->shape.dim),
                       NORMAL(62, 1, c->shape.items, c->shape.dim), NORMAL(63, 1, c->shape.items)};
    assert_ok(device_open(&dev, "cpu", threads));
    catalogue_gather(&dev, r.score, c->u, &c->table, c->bias, ids);
    catalogue_gather_backward(&dev, r.du, r.did, c->shape.bias ? r.dbias : (Tensor){0}, g, c->u,
                              &c->table, ids);
    device_close(&dev);
    return r;
}

/* The scores are linear in u, in E and in the bias: the gradients are plain sums. */
static void scores_and_gradients_match_double(void **state)
{
    (void)state;
    for (int n = 0; n < SHAPES; n++) {
        const HeadCase c = make_head(shapes[n].head, 10 * (uint64_t)n + 1);
        const int64_t rows = c.shape.rows, items = c.shape.items, dim = c.shape.dim;
        const int64_t k = shapes[n].k;
        const Tensor ids = make_ids(rows, k, items), g = NORMAL(51, 1, rows, k);
        const Results have = run(&c, ids, g, 2);
        double *z = dense_scores(&c), *du = malloc((size_t)(rows * dim) * sizeof *du);
        double *did = malloc((size_t)(items * dim) * sizeof *did);
        double *dbias = malloc((size_t)items * sizeof *dbias);
        to_double(du, NORMAL(61, 1, rows, dim));
        to_double(did, NORMAL(62, 1, items, dim));
        to_double(dbias, NORMAL(63, 1, items));
        for (int64_t at = 0; at < rows * k; at++) {
            const int64_t i = at / k, item = i32(ids)[at];
            const double want = item < 0 ? 0.0 : z[i * items + item], by = f32(g)[at];
            assert_near(f32(have.score)[at], want, (double)(dim + 4) * ULP * (8 + fabs(want)));
            if (item < 0) continue;
            if (c.shape.bias) dbias[item] += by;
            for (int64_t d = 0; d < dim; d++) {
                du[i * dim + d] += by * item_vector(&c, item, d);
                did[item * dim + d] += by * f32(c.u)[i * dim + d];
            }
        }
        assert_true(relative_l2(f32(have.du), du, rows * dim) < 16 * ULP);
        assert_true(relative_l2(f32(have.did), did, items * dim) < 16 * ULP);
        assert_true(relative_l2(f32(have.dbias), dbias, items) < 16 * ULP);
        free(z), free(du), free(did), free(dbias);
        tensors_free();
    }
}

static void the_bits_do_not_depend_on_the_threads(void **state)
{
    (void)state;
    const HeadCase c = make_head((HeadShape){300, 40, 8, true, true}, 4);
    const Tensor ids = make_ids(300, 30, 40), g = NORMAL(51, 1, 300, 30);
    const Results one = run(&c, ids, g, 1);
    for (int threads = 2; threads <= 3; threads++) {
        const Results more = run(&c, ids, g, threads);
        assert_same_bits(more.score, one.score);
        assert_same_bits(more.du, one.du);
        assert_same_bits(more.did, one.did);
        assert_same_bits(more.dbias, one.dbias);
    }
    tensors_free();
}

/* A shard gives the scores of its items and its share of du. */
static void shards_add_up(void **state)
{
    (void)state;
    enum { CUT = 13 };
    Device dev;
    const HeadCase c = make_head((HeadShape){20, 40, 8, false, true}, 6);
    const Tensor ids = make_ids(20, 30, 40), g = NORMAL(51, 1, 20, 30);
    const Results all = run(&c, ids, g, 1);
    Tensor score[2], du = NORMAL(61, 1, 20, 8), did = NORMAL(62, 1, 40, 8);
    Tensor dbias = NORMAL(63, 1, 40);
    assert_ok(device_open(&dev, "cpu", 2));
    for (int k = 0; k < 2; k++) {
        const int64_t first = k ? CUT : 0, items = k ? 40 - CUT : CUT;
        const ItemTable shard = {
            .id = tensor_rows(c.table.id, first, items), .first = first, .total = 40};
        score[k] = NEW(F32, 20, 30);
        catalogue_gather(&dev, score[k], c.u, &shard, tensor_rows(c.bias, first, items), ids);
        catalogue_gather_backward(&dev, du, tensor_rows(did, first, items),
                                  tensor_rows(dbias, first, items), g, c.u, &shard, ids);
    }
    device_close(&dev);
    for (int64_t n = 0; n < 20 * 30; n++)
        assert_true(f32(score[0])[n] + f32(score[1])[n] == f32(all.score)[n]);
    for (int64_t n = 0; n < 20 * 8; n++) assert_near(f32(du)[n], f32(all.du)[n], 1e-5);
    assert_same_bits(did, all.did);
    assert_same_bits(dbias, all.dbias);
    tensors_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_and_gradients_match_double),
        cmocka_unit_test(the_bits_do_not_depend_on_the_threads),
        cmocka_unit_test(shards_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
