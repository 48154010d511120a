/* SPDX-License-Identifier: Apache-2.0 */
/* Similar items: by vectors against all pairs, by counts against the table. */
#include "infer/similar.h"

#include "base/scratch.h"
#include "infer_case.h"

enum { K = 12, WIDTH = 20, DIM = 16 };

static InferCase c;

static int open_case(void **state)
{
    (void)state;
    infer_case_open_counted(&c, HEAD_BIT(HEAD_POLICY), 12, 2, WIDTH);
    return 0;
}

static int close_case(void **state)
{
    (void)state;
    infer_case_close(&c);
    return 0;
}

/* E of all items, of their ids, categories and numbers. */
static void vectors(double e[SHOP_ITEMS][DIM])
{
    const Weights w = session_weights(c.session);
    const ModelShape *s = &c.model.shape;
    for (int a = 0; a < SHOP_ITEMS; a++)
        for (int i = 0; i < DIM; i++) {
            e[a][i] = (double)f32(w[c.model.at.item_id])[a * DIM + i];
            for (int64_t k = 0; k < s->item_kinds; k++) {
                const int32_t row = i32(c.model.item_category)[a * s->item_kinds + k];
                e[a][i] += (double)f32(w[c.model.at.item_category])[row * DIM + i];
            }
            for (int64_t n = 0; n < s->item_numbers; n++)
                e[a][i] += (double)f32(c.model.item_number)[a * s->item_numbers + n] *
                           (double)f32(w[c.model.at.item_number])[n * DIM + i];
        }
}

static double cosine(const double *a, const double *b)
{
    double ab = 0.0, aa = 0.0, bb = 0.0;
    for (int i = 0; i < DIM; i++) ab += a[i] * b[i], aa += a[i] * a[i], bb += b[i] * b[i];
    return ab / sqrt(aa * bb);
}

/* f32 vectors of a few terms of size 1. */
static void the_nearest_vectors_are_found(void **state)
{
    static double e[SHOP_ITEMS][DIM];
    SimilarVector out[K];
    int64_t found;
    (void)state;
    vectors(e);
    for (int32_t item = 0; item < SHOP_ITEMS; item += 8) {
        int nearer = 0;
        assert_ok(similar_by_vectors(c.session, item, K, out, &found));
        assert_int_equal(found, K);
        for (int n = 0; n < K; n++) {
            assert_near(out[n].cosine, cosine(e[item], e[out[n].item]), 1e-6);
            assert_true(out[n].item != item && (n == 0 || out[n].cosine <= out[n - 1].cosine));
            for (int m = 0; m < n; m++) assert_true(out[m].item != out[n].item);
        }
        for (int a = 0; a < SHOP_ITEMS; a++)
            nearer += a != item && cosine(e[item], e[a]) > out[K - 1].cosine + 1e-6;
        assert_true(nearer < K);
    }
}

static void a_short_catalogue_gives_all_that_it_has(void **state)
{
    SimilarVector out[2 * SHOP_ITEMS];
    int64_t found;
    (void)state;
    assert_ok(similar_by_vectors(c.session, 5, 2 * SHOP_ITEMS, out, &found));
    assert_int_equal(found, SHOP_ITEMS - 1);
}

static void the_strongest_neighbours_are_found(void **state)
{
    const CountTable *t = &c.model.counts;
    const int64_t width = t->item.dim[1];
    SimilarCounts out[64];
    int64_t found, all = 0;
    double times;
    (void)state;
    for (int32_t item = 0; item < SHOP_ITEMS; item++) {
        assert_ok(similar_by_counts(c.session, item, 3, out, &found, &times));
        assert_true(times == (double)f32(t->popularity)[item]);
        for (int64_t j = 0; j < width; j++) {
            const int64_t at = item * width + j;
            const double strength = (double)f32(t->after)[at] + (double)f32(t->before)[at] / 2.0;
            bool listed = i32(t->item)[at] < 0 || i32(t->item)[at] == item;
            for (int64_t n = 0; n < found; n++) {
                if (out[n].item != i32(t->item)[at]) continue;
                listed = true;
                assert_true(out[n].next == (double)f32(t->next)[at]);
                assert_true(out[n].after == (double)f32(t->after)[at]);
                assert_true(out[n].before == (double)f32(t->before)[at]);
            }
            assert_true(listed || found == 3);
            assert_true(listed || strength <= out[2].after + out[2].before / 2.0);
        }
        for (int64_t n = 1; n < found; n++)
            assert_true(out[n - 1].after + out[n - 1].before / 2.0 >=
                        out[n].after + out[n].before / 2.0);
        all += found;
    }
    assert_true(all > 2 * SHOP_ITEMS);
    assert_ok(similar_by_counts(c.session, 0, 64, out, &found, &times));
    assert_true(found >= width - 1 && found <= width);
}

static void what_does_not_exist_is_refused(void **state)
{
    SimilarVector v;
    SimilarCounts n;
    int64_t found;
    double times;
    (void)state;
    assert_refused(similar_by_vectors(c.session, SHOP_ITEMS, 1, &v, &found), ERR_USAGE,
                   "want 0 to 96");
    assert_refused(similar_by_counts(c.session, -1, 1, &n, &found, &times), ERR_USAGE,
                   "want 0 to 96");
    assert_refused(similar_by_vectors(c.session, 1, 0, &v, &found), ERR_USAGE, "k = 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_vectors_are_found),
        cmocka_unit_test(a_short_catalogue_gives_all_that_it_has),
        cmocka_unit_test(the_strongest_neighbours_are_found),
        cmocka_unit_test(what_does_not_exist_is_refused),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}
