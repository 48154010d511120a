/* SPDX-License-Identifier: Apache-2.0 */
/* Mutual information by its definition in double; the length of the vectors; items that have no
 * neighbours; the same bits for any number of threads. */
#include "model/spectral/pmi.h"
#include "model/spectral/spectral.h"
#include "op.h"

enum { ITEMS = 50, WIDTH = 6, DIM = 12, KINDS = 2 };

/* Items 0 .. 39 have neighbours, 40 .. 49 have none; 48 and 49 are of no known category. */
static CountTable new_table(void)
{
    const CountTable t = {.item = NEW(I32, ITEMS, WIDTH),
                          .next = NEW(F32, ITEMS, WIDTH),
                          .after = NEW(F32, ITEMS, WIDTH),
                          .before = NEW(F32, ITEMS, WIDTH),
                          .popularity = NEW(F32, ITEMS),
                          .weight = NEW(F32, ITEMS)};
    for (int x = 0; x < ITEMS; x++) {
        int32_t y = -1;
        for (int k = 0; k < WIDTH; k++) {
            const Philox p = philox(6, (uint64_t)x, (uint64_t)k);
            const int at = x * WIDTH + k;
            y += 1 + (int32_t)(p.word[0] % 6);
            const bool there = x < 40 && y < 40 && k <= x % WIDTH;
            if (!there) y = ITEMS;
            i32(t.item)[at] = there ? y : -1;
            f32(t.after)[at] = there ? (float)(p.word[1] % 8) * 0.25f : 0.0f;
            f32(t.before)[at] = there ? (float)(1 + p.word[2] % 8) * 0.25f : 0.0f;
        }
        f32(t.weight)[x] = x < 40 ? (float)(30 + x) : 0.0f;
    }
    return t;
}

static void information_is_as_defined(void **state)
{
    (void)state;
    const CountTable t = new_table();
    SparseRows a;
    double total = 0.0;
    int positive = 0, none = 0;
    assert_ok(pmi_open(&a, &t, 3));
    for (int z = 0; z < ITEMS; z++) total += pow(f32(t.weight)[z] * 4.0 / 3.0, 0.75);
    for (int i = 0; i < ITEMS * WIDTH; i++) {
        const int y = i32(t.item)[i];
        if (y < 0) {
            assert_true(a.value[i] == 0.0f);
            continue;
        }
        const double mx = f32(t.weight)[i / WIDTH] * 4.0 / 3.0, my = f32(t.weight)[y] * 4.0 / 3.0;
        const double m = f32(t.after)[i] + f32(t.before)[i], l = mx < my ? mx : my;
        const double pmi = log(m / mx / (pow(my, 0.75) / total)) * m / (m + 1.0) * l / (l + 1.0);
        assert_near(a.value[i], pmi > 0.0 ? pmi : 0.0, 1e-6);
        positive += pmi > 0.0;
        none += pmi <= 0.0;
    }
    assert_true(positive > 10 && none > 1);
    pmi_close(&a);
    tensors_free();
}

/* Kind 0 has rows 0 .. 3, of which 0 is unknown; kind 1 has rows 4 .. 6, of which 4 is unknown. */
static FeatureSet features(void)
{
    static int32_t category[ITEMS * KINDS];
    for (int i = 0; i < ITEMS; i++) {
        category[i * KINDS] = i >= 48 ? 0 : i % 4;
        category[i * KINDS + 1] = i >= 44 ? 4 : 4 + i % 3;
    }
    return (FeatureSet){.kinds = KINDS, .kind_rows = {4, 3}, .categories = 7, .category = category};
}

static float *vectors_of(const CountTable *t, const FeatureSet *f, int threads)
{
    float *vectors;
    assert_ok(spectral_vectors(
        &vectors, t, f,
        &(SpectralOptions){
            .dim = DIM, .length = 0.6f, .spread = 0.02f, .seed = 9, .threads = threads}));
    return vectors;
}

static double length_of(const float *v)
{
    double sum = 0.0;
    for (int c = 0; c < DIM; c++) sum += (double)v[c] * v[c];
    return sqrt(sum);
}

static void vectors_have_their_mean_length(void **state)
{
    (void)state;
    const CountTable t = new_table();
    const FeatureSet f = features();
    float *v = vectors_of(&t, &f, 1);
    double sum = 0.0;
    int placed = 0;
    for (int i = 0; i < 40; i++) {
        const double length = length_of(v + i * DIM);
        sum += length;
        placed += length > 0.0;
    }
    assert_true(placed >= 30);
    assert_near(sum / placed, 0.6, 1e-5); /* of those that are not drawn */
    free(v);
    tensors_free();
}

/* The mean vector of the items 0 .. 39 of a category. */
static double mean_of(const float *v, const FeatureSet *f, int kind, int32_t category, int c)
{
    double sum = 0.0;
    int count = 0;
    for (int i = 0; i < 40; i++) {
        if (f->category[i * KINDS + kind] != category || length_of(v + i * DIM) == 0.0) continue;
        sum += v[i * DIM + c];
        count++;
    }
    return sum / count;
}

static void items_without_neighbours_are_placed_by_their_categories(void **state)
{
    (void)state;
    const CountTable t = new_table();
    const FeatureSet f = features();
    float *v = vectors_of(&t, &f, 1);
    for (int i = 40; i < 48; i++)
        for (int c = 0; c < DIM; c++) {
            double want = 0.0;
            int shares = 0;
            for (int k = 0; k < KINDS; k++) {
                const int32_t category = f.category[i * KINDS + k];
                if (category == 0 || category == 4) continue;
                want += mean_of(v, &f, k, category, c);
                shares++;
            }
            if (shares) assert_near(v[i * DIM + c], want / shares, 1e-6);
        }
    /* 48 and 49 are of no known category, 44 only of the unknown ones: N(0, 0.02^2). */
    for (int i = 44; i < ITEMS; i += i < 48 ? 4 : 1) {
        assert_true(length_of(v + i * DIM) > 0.01 && length_of(v + i * DIM) < 0.2);
        if (i > 44)
            assert_true(
                memcmp((const void *)(v + i * DIM), (const void *)(v + 44 * DIM), DIM * sizeof *v));
    }
    free(v);
    tensors_free();
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    const CountTable t = new_table();
    const FeatureSet f = features();
    float *want = vectors_of(&t, &f, 1);
    for (int threads = 2; threads <= 4; threads++) {
        float *have = vectors_of(&t, &f, threads);
        assert_memory_equal(have, want, ITEMS * DIM * sizeof *have);
        free(have);
    }
    free(want);
    tensors_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(information_is_as_defined),
        cmocka_unit_test(vectors_have_their_mean_length),
        cmocka_unit_test(items_without_neighbours_are_placed_by_their_categories),
        cmocka_unit_test(threads_do_not_change_a_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
