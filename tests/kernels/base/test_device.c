/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that share a process: each runs on its own threads, and no device changes what another
 * computes or how many threads the program gives its own teams. */
#include <dirent.h>
#include <omp.h>
#include <pthread.h>

#include "op.h"

#include "catalogue/catalogue.h"
#include "gemm.h"

enum { ROWS = 300, ITEMS = 1500, DIM = 40, KINDS = 3, ROUNDS = 5 };

/* The tensors that a device computes, from data that both read. */
typedef struct {
    ItemTable table;
    Tensor x, weight, bias, target, ones;
} Given;

typedef struct {
    Tensor u, max, argmax, loss, du, did, dbias;
} Computed;

static Given given;

static int fill_given(void **state)
{
    (void)state;
    given = (Given){.x = NORMAL(1, 1.0f, ROWS, DIM),
                    .weight = NORMAL(2, 0.3f, DIM, DIM),
                    .bias = NORMAL(3, 1.0f, ITEMS),
                    .target = NEW(I32, ROWS),
                    .ones = NEW(F32, ROWS)};
    given.table = (ItemTable){.id = NORMAL(4, 1.0f, ITEMS, DIM),
                              .category = NEW(I32, ITEMS, 1),
                              .category_table = NORMAL(5, 1.0f, KINDS, DIM)};
    for (int i = 0; i < ITEMS; i++) i32(given.table.category)[i] = i % KINDS;
    for (int i = 0; i < ROWS; i++) i32(given.target)[i] = i * 7 % ITEMS - (i % 5 == 0 ? ITEMS : 0);
    for (int i = 0; i < ROWS; i++) f32(given.ones)[i] = 1.0f;
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    tensors_free();
    return 0;
}

static Computed new_computed(void)
{
    return (Computed){.u = NEW(F32, ROWS, DIM),
                      .max = NEW(F32, ROWS),
                      .argmax = NEW(I32, ROWS),
                      .loss = NEW(F32, ROWS),
                      .du = NEW(F32, ROWS, DIM),
                      .did = NEW(F32, ITEMS, DIM),
                      .dbias = NEW(F32, ITEMS)};
}

/* Ops whose scratch has a part for each thread, and products. */
static void compute(Device *dev, const Computed *c)
{
    gemm(dev, c->u, given.x, given.weight, GEMM_NT);
    catalogue_stats(dev, (CatalogueStats){.max = c->max, .argmax = c->argmax}, c->u, &given.table,
                    given.bias, 1.0f);
    catalogue_cross_entropy(dev, c->loss, c->du, c->did, c->dbias, c->u, &given.table, given.bias,
                            given.target, given.ones);
}

static void assert_same_results(const Computed *a, const Computed *b)
{
    assert_same_bits(a->u, b->u);
    assert_same_bits(a->max, b->max);
    assert_same_bits(a->argmax, b->argmax);
    assert_same_bits(a->loss, b->loss);
    assert_same_bits(a->du, b->du);
    assert_same_bits(a->did, b->did);
    assert_same_bits(a->dbias, b->dbias);
}

/* A thread that drives a device; before[i] and after[i]: the teams that it would get itself. */
typedef struct {
    int threads, before, after;
    Status status;
    Computed computed[ROUNDS];
    pthread_barrier_t *both_are_open;
} Driver;

static void *drive(void *argument)
{
    Driver *d = argument;
    Device dev;
    omp_set_num_threads(7 + d->threads);
    d->before = omp_get_max_threads();
    d->status = device_open(&dev, "cpu", d->threads);
    pthread_barrier_wait(d->both_are_open);
    for (int i = 0; i < ROUNDS; i++) compute(&dev, &d->computed[i]);
    device_close(&dev);
    d->after = omp_get_max_threads();
    return NULL;
}

static void two_devices_at_once_compute_as_each_alone(void **state)
{
    (void)state;
    static Driver driver[2] = {{.threads = 1}, {.threads = 3}};
    const int before = omp_get_max_threads();
    Device alone;
    pthread_t thread[2];
    pthread_barrier_t both_are_open;
    const Computed want = new_computed();
    assert_ok(device_open(&alone, "cpu", 2));
    compute(&alone, &want);
    device_close(&alone);
    pthread_barrier_init(&both_are_open, NULL, 2);
    for (int d = 0; d < 2; d++) {
        driver[d].both_are_open = &both_are_open;
        for (int i = 0; i < ROUNDS; i++) driver[d].computed[i] = new_computed();
    }
    for (int d = 0; d < 2; d++)
        assert_int_equal(pthread_create(&thread[d], NULL, drive, &driver[d]), 0);
    for (int d = 0; d < 2; d++) pthread_join(thread[d], NULL);
    for (int d = 0; d < 2; d++) {
        assert_int_equal(driver[d].status, OK);
        assert_int_equal(driver[d].after, driver[d].before);
        /* Gradients of the tables accumulate in one call only: each round has its own. */
        for (int i = 0; i < ROUNDS; i++) assert_same_results(&driver[d].computed[i], &want);
    }
    assert_int_equal(omp_get_max_threads(), before);
    pthread_barrier_destroy(&both_are_open);
}

static int threads_of_the_process(void)
{
    int threads = 0;
    DIR *folder = opendir("/proc/self/task");
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) threads += entry->d_name[0] != '.';
    closedir(folder);
    return threads;
}

/* The tile is large enough for oneDNN to part it among threads. */
static void *run_on_one_thread(void *argument)
{
    enum { LARGE = 512 };
    Device dev;
    int *more = argument;
    omp_set_num_threads(8);
    const Computed c = new_computed();
    const Tensor a = NORMAL(6, 1.0f, LARGE, LARGE), product = NEW(F32, LARGE, LARGE);
    const int before = threads_of_the_process();
    *more = -1;
    if (device_open(&dev, "cpu", 1) != OK) return NULL;
    compute(&dev, &c);
    gemm_tile(f32(product), LARGE, f32(a), LARGE, f32(a), LARGE, LARGE, LARGE, LARGE, GEMM_NN);
    *more = threads_of_the_process() - before;
    device_close(&dev);
    return NULL;
}

/* In a thread of its own, which has no team yet. */
static void a_device_of_one_thread_starts_no_other(void **state)
{
    (void)state;
    pthread_t thread;
    int more;
    assert_int_equal(pthread_create(&thread, NULL, run_on_one_thread, &more), 0);
    pthread_join(thread, NULL);
    assert_int_equal(more, 0);
}

static void no_number_of_threads_means_one_for_each_processor(void **state)
{
    (void)state;
    Device dev;
    omp_set_num_threads(omp_get_num_procs() + 5);
    assert_ok(device_open(&dev, "cpu", 0));
    assert_int_equal(dev.threads, omp_get_num_procs());
    device_close(&dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_devices_at_once_compute_as_each_alone),
        cmocka_unit_test(a_device_of_one_thread_starts_no_other),
        cmocka_unit_test(no_number_of_threads_means_one_for_each_processor),
    };
    return cmocka_run_group_tests(tests, fill_given, free_all);
}
