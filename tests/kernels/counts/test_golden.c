/* SPDX-License-Identifier: Apache-2.0 */
/* The loss of a policy of two masses, through all ops of the counted half, with every gradient:
 * against PyTorch, from a file of tests/golden (made by make_counts.py in float64). The bound is
 * that of the whole model's golden files. */
#include "op.h"

#include "catalogue/catalogue.h"
#include "catalogue/gather.h"
#include "counts/mass.h"
#include "counts/pointer.h"
#include "counts/score.h"
#include "model/safetensors.h"

static const double BOUND = 1e-5;
static Safetensors file;

static Tensor stored(const char *prefix, const char *name)
{
    char full[64];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    const Tensor *t = safetensors_find(&file, full);
    if (!t) fail_msg("no %s in the golden file", full);
    return *t;
}
static Tensor in(const char *name) { return stored("in.", name); }

/* Zeros of the shape of an input. */
static Tensor like(const char *name)
{
    const Tensor t = in(name);
    return new_tensor(t.dtype, t.rank, t.dim);
}

static void compare(Tensor have, const char *prefix, const char *name)
{
    const Tensor want = stored(prefix, name);
    const int64_t count = tensor_count(want);
    double *exact = malloc((size_t)count * sizeof *exact);
    assert_int_equal(tensor_count(have), count);
    to_double(exact, want);
    const double error = relative_l2(f32(have), exact, count);
    free(exact);
    if (!(error <= BOUND)) fail_msg("%s%s: %.3g", prefix, name, error);
}

static void loss_and_gradients_match_pytorch(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    assert_ok(safetensors_open(&file, GOLDEN_FOLDER "/counts.safetensors"));
    const ItemTable table = {.id = in("id")};
    const Tensor candidate = in("candidate"), target = in("target"), weight = in("weight");
    const int64_t rows = candidate.dim[0], width = candidate.dim[1];
    const Tensor dense = NEW(F32, rows, width), p = NEW(F32, rows, width);
    const Tensor r = NEW(F32, rows, width), dr = NEW(F32, rows, width), none = {0};

    const PointerInput pointer = {in("q"),          in("k"),     in("distance"), in("item"),
                                  in("cu_seqlens"), in("token"), candidate};
    const ScoreInput score = {candidate,  in("feature"), in("mean"),   in("scale"),
                              in("base"), dense,         in("hidden"), p};
    const ScoreWeights weights = {in("beta"), in("linear"), in("inner"), in("outer")};
    catalogue_gather(&dev, dense, in("u"), &table, none, candidate);
    counts_pointer(&dev, p, &pointer);
    counts_score(&dev, r, &score, &weights);

    const CatalogueMixture m = {NEW(F32, rows), NEW(F32, rows), NEW(F32, rows), NEW(F32, rows)};
    const Tensor loss = NEW(F32, rows), du = like("u"), did = like("id"), dbias = like("bias");
    counts_mass(&dev, m.other, m.other_target, r, candidate, target);
    catalogue_cross_entropy_with(&dev, loss, du, did, dbias, in("u"), &table, in("bias"), target,
                                 weight, m);

    const MassLoss of = {r, candidate, target, weight, m.logsumexp, m.share};
    const PointerGradient to_pointer = {like("q"), like("k"), like("distance")};
    const ScoreGradient to_score = {like("base"), NEW(F32, rows, width), like("hidden"),
                                    like("beta"), like("linear"),        like("inner"),
                                    like("outer")};
    counts_mass_backward(&dev, dr, &of);
    counts_score_backward(&dev, &to_score, dr, &score, &weights);
    counts_pointer_backward(&dev, &to_pointer, dr, p, &pointer);
    catalogue_gather_backward(&dev, du, did, none, to_score.dense, in("u"), &table, candidate);

    compare(loss, "", "loss");
    compare(du, "grad.", "u");
    compare(did, "grad.", "id");
    compare(dbias, "grad.", "bias");
    compare(to_pointer.q, "grad.", "q");
    compare(to_pointer.k, "grad.", "k");
    compare(to_pointer.bias, "grad.", "distance");
    compare(to_score.base, "grad.", "base");
    compare(to_score.hidden, "grad.", "hidden");
    compare(to_score.beta, "grad.", "beta");
    compare(to_score.linear, "grad.", "linear");
    compare(to_score.inner, "grad.", "inner");
    compare(to_score.outer, "grad.", "outer");
    safetensors_close(&file);
    tensors_free();
    device_close(&dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_and_gradients_match_pytorch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
