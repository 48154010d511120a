/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of a Comm. The checks take any Comm: here that of one rank, and one of several
 * threads. */
#include "base/comm.h"

#include "base/tree.h"
#include "op.h"
#include "ranks.h"

enum { ROWS = 3, WIDE = 5 };

/* ---- The contract ---------------------------------------------------------------------------- */

/* What rank r has at i: all different. */
static int64_t number(int r, int64_t i) { return 1000 * (r + 1) + i; }

static int gathers(Comm *c, Device *dev, void *context)
{
    (void)context;
    int64_t from[ROWS * 2], to[RANKS_MAX * ROWS * 2], in_place[RANKS_MAX * 2];
    uint8_t byte = (uint8_t)(c->rank + 7), bytes[RANKS_MAX];
    for (int i = 0; i < ROWS * 2; i++) from[i] = number(c->rank, i);
    comm_all_gather(c, dev, TENSOR(to, I64, c->ranks * ROWS, 2), TENSOR(from, I64, ROWS, 2));
    for (int64_t i = 0; i < c->ranks * ROWS * 2; i++)
        RANK_CHECK(to[i] == number((int)(i / (ROWS * 2)), i % (ROWS * 2)));

    int64_t *own = in_place + 2 * c->rank;
    own[0] = number(c->rank, 0), own[1] = number(c->rank, 1);
    comm_all_gather(c, dev, TENSOR(in_place, I64, c->ranks, 2), TENSOR(own, I64, 1, 2));
    for (int r = 0; r < c->ranks; r++)
        RANK_CHECK(in_place[2 * r] == number(r, 0) && in_place[2 * r + 1] == number(r, 1));

    comm_all_gather(c, dev, TENSOR(bytes, U8, c->ranks), TENSOR(&byte, U8, 1));
    for (int r = 0; r < c->ranks; r++) RANK_CHECK(bytes[r] == r + 7);
    comm_all_gather(c, dev, TENSOR(to, F32, 0, 4), TENSOR(from, F32, 0, 4));
    return device_sync(dev) == OK ? 0 : __LINE__;
}

/* Rows from rank a to rank b; some are none. */
static int64_t share(int a, int b) { return (a + 2 * b) % 4; }

static int exchanges_ragged_rows(Comm *c, Device *dev, void *context)
{
    (void)context;
    int64_t from[RANKS_MAX * 4 * 2], to[RANKS_MAX * 4 * 2], sends[RANKS_MAX], takes[RANKS_MAX];
    int64_t out = 0, in = 0;
    for (int r = 0; r < c->ranks; r++) {
        sends[r] = share(c->rank, r);
        takes[r] = share(r, c->rank);
        for (int64_t i = 0; i < 2 * sends[r]; i++) from[2 * out + i] = number(c->rank, 100 * r + i);
        out += sends[r];
        in += takes[r];
    }
    comm_all_to_all(c, dev, TENSOR(to, I64, in, 2), takes, TENSOR(from, I64, out, 2), sends);
    RANK_CHECK(device_sync(dev) == OK);
    const int64_t *at = to;
    for (int r = 0; r < c->ranks; r++)
        for (int64_t i = 0; i < 2 * takes[r]; i++, at++)
            RANK_CHECK(*at == number(r, 100 * c->rank + i));
    return 0;
}

static int exchanges_equal_shares(Comm *c, Device *dev, void *context)
{
    (void)context;
    int32_t from[RANKS_MAX * 2], to[RANKS_MAX * 2];
    for (int i = 0; i < 2 * c->ranks; i++) from[i] = (int32_t)number(c->rank, i);
    comm_all_to_all(c, dev, TENSOR(to, I32, 2 * c->ranks), NULL, TENSOR(from, I32, 2 * c->ranks),
                    NULL);
    RANK_CHECK(device_sync(dev) == OK);
    for (int i = 0; i < 2 * c->ranks; i++) RANK_CHECK(to[i] == number(i / 2, 2 * c->rank + i % 2));
    return 0;
}

/* The numbers of all ranks, [ranks, count], known to each. */
static void all_numbers(float *x, int ranks, int64_t count)
{
    for (int r = 0; r < ranks; r++) fill_normal(x + r * count, count, 40 + (uint64_t)r, 1.0f);
}

static bool same_bits(const void *a, const void *b, size_t bytes)
{
    return memcmp(a, b, bytes) == 0;
}

static int adds_in_the_tree(Comm *c, Device *dev, void *context)
{
    (void)context;
    float x[RANKS_MAX * WIDE], want[WIDE], own[WIDE];
    all_numbers(x, c->ranks, WIDE);
    tree_sum(dev, TENSOR(want, F32, WIDE), TENSOR(x, F32, c->ranks, WIDE));
    memcpy(own, x + c->rank * WIDE, sizeof own);
    comm_all_reduce(c, dev, TENSOR(own, F32, WIDE));
    RANK_CHECK(device_sync(dev) == OK && same_bits(own, want, sizeof own));

    double counts[2] = {c->rank + 1, 1e9 + c->rank};
    const int n = c->ranks, ranks_below = n * (n - 1) / 2; /* the sum of all ranks */
    comm_all_reduce(c, dev, TENSOR(counts, F64, 2));
    RANK_CHECK(device_sync(dev) == OK && counts[0] == n + ranks_below);
    RANK_CHECK(counts[1] == 1e9 * n + ranks_below);
    return 0;
}

static int scatters_what_it_adds(Comm *c, Device *dev, void *context)
{
    (void)context;
    float x[RANKS_MAX * RANKS_MAX * WIDE], parts[RANKS_MAX * WIDE], want[WIDE], have[WIDE];
    const int64_t each = c->ranks * WIDE;
    all_numbers(x, c->ranks, each);
    for (int r = 0; r < c->ranks; r++)
        memcpy(parts + r * WIDE, x + r * each + c->rank * WIDE, sizeof want);
    tree_sum(dev, TENSOR(want, F32, WIDE), TENSOR(parts, F32, c->ranks, WIDE));
    comm_reduce_scatter(c, dev, TENSOR(have, F32, WIDE),
                        TENSOR(x + c->rank * each, F32, c->ranks, WIDE));
    RANK_CHECK(device_sync(dev) == OK && same_bits(have, want, sizeof have));
    return 0;
}

static int tells_all_what_one_knows(Comm *c, Device *dev, void *context)
{
    (void)dev, (void)context;
    for (int root = 0; root < c->ranks; root++) {
        char text[] = "of rank .";
        text[8] = (char)('0' + c->rank);
        RANK_CHECK(comm_broadcast(c, text, sizeof text, root) == OK);
        RANK_CHECK(text[8] == '0' + root);
        RANK_CHECK(comm_barrier(c) == OK);
    }
    return 0;
}

/* The others fail, and do not wait for ever. */
static int fails_without_a_rank(Comm *c, Device *dev, void *context)
{
    (void)context;
    double count = 1.0;
    if (c->rank == c->ranks - 1) {
        comm_close(c);
        return 0;
    }
    comm_all_reduce(c, dev, TENSOR(&count, F64, 1));
    RANK_CHECK(device_sync(dev) == ERR_COMM);
    RANK_CHECK(comm_barrier(c) == ERR_COMM);
    status_clear();
    return 0;
}

static int fails_where_shapes_disagree(Comm *c, Device *dev, void *context)
{
    (void)context;
    float x[4] = {0}, all[4 * RANKS_MAX];
    const int64_t rows = c->rank == 0 ? 2 : 3;
    comm_all_gather(c, dev, TENSOR(all, F32, rows * c->ranks), TENSOR(x, F32, rows));
    RANK_CHECK(device_sync(dev) == ERR_COMM);
    status_clear();
    return 0;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static RankWork *const contract[] = {
    gathers,          exchanges_ragged_rows, exchanges_equal_shares,
    adds_in_the_tree, scatters_what_it_adds, tells_all_what_one_knows};
enum { CONTRACT = sizeof contract / sizeof *contract };

static void one_rank_keeps_the_contract(void **state)
{
    (void)state;
    Device dev;
    Comm c = comm_single();
    assert_ok(device_open(&dev, "cpu", 2));
    assert_int_equal(c.rank, 0);
    assert_int_equal(c.ranks, 1);
    for (int i = 0; i < CONTRACT; i++) assert_int_equal(contract[i](&c, &dev, NULL), 0);
    comm_close(&c);
    comm_close(&c);
    device_close(&dev);
}

static void several_ranks_keep_the_contract(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= RANKS_MAX; ranks++)
        for (int i = 0; i < CONTRACT; i++) ranks_run(ranks, contract[i], NULL);
}

static void no_rank_waits_for_one_that_is_gone(void **state)
{
    (void)state;
    for (int ranks = 2; ranks <= 5; ranks++) {
        ranks_run(ranks, fails_without_a_rank, NULL);
        ranks_run(ranks, fails_where_shapes_disagree, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_rank_keeps_the_contract),
        cmocka_unit_test(several_ranks_keep_the_contract),
        cmocka_unit_test(no_rank_waits_for_one_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
