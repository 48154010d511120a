/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads on one session, and sessions beside each other; on devices of one thread, as the
 * library of OpenMP is not instrumented for ThreadSanitizer. */
#include <pthread.h>

#include "infer_case.h"

enum { LENGTH = 12, THREADS = 4 };
static const HeadSet both = HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q);

typedef struct {
    Session *session;
    uint64_t seed;
    Answers answers;
} Asker;

static void *ask_often(void *context)
{
    Asker *a = context;
    for (int n = 0; n < 5; n++) infer_ask(a->session, a->seed, &a->answers);
    return NULL;
}

static void many_threads_get_the_bits_that_one_gets(void **state)
{
    static Asker asker[THREADS];
    static Answers alone;
    pthread_t thread[THREADS];
    InferCase c;
    (void)state;
    infer_case_open(&c, both, LENGTH, 1);
    for (int t = 0; t < THREADS; t++) {
        asker[t] = (Asker){.session = c.session, .seed = 100 * (uint64_t)t};
        assert_int_equal(pthread_create(&thread[t], NULL, ask_often, &asker[t]), 0);
    }
    for (int t = 0; t < THREADS; t++) pthread_join(thread[t], NULL);
    for (int t = 0; t < THREADS; t++) {
        infer_ask(c.session, asker[t].seed, &alone);
        assert_memory_equal(&asker[t].answers, &alone, sizeof alone);
    }
    infer_case_close(&c);
}

static void sessions_beside_each_other_do_not_meet(void **state)
{
    static Asker asker[2];
    static Answers alone;
    pthread_t thread[2];
    InferCase c[2];
    (void)state;
    infer_case_open(&c[0], both, LENGTH, 1);
    infer_ask(c[0].session, 7, &alone);
    infer_case_open(&c[1], both, LENGTH, 1);
    for (int t = 0; t < 2; t++) {
        asker[t] = (Asker){.session = c[t].session, .seed = 7};
        assert_int_equal(pthread_create(&thread[t], NULL, ask_often, &asker[t]), 0);
    }
    for (int t = 0; t < 2; t++) pthread_join(thread[t], NULL);
    for (int t = 0; t < 2; t++) assert_memory_equal(&asker[t].answers, &alone, sizeof alone);
    infer_case_close(&c[1]);
    infer_case_close(&c[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_threads_get_the_bits_that_one_gets),
        cmocka_unit_test(sessions_beside_each_other_do_not_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
