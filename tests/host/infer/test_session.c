/* SPDX-License-Identifier: Apache-2.0 */
/* A session: memory that is taken once, batches in parts, what cannot be opened. The linker sends
 * this program's calls of malloc and its kin through the functions below (tests/CMakeLists.txt). */
#include "infer/session.h"

#include <stdatomic.h>

#include "infer_case.h"

enum { LENGTH = 12 };
static const HeadSet both = HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q);

/* ---- Allocations ----------------------------------------------------------------------------- */

static atomic_long allocations;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__real_aligned_alloc(size_t align, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
void *__wrap_aligned_alloc(size_t align, size_t bytes);

void *__wrap_malloc(size_t bytes)
{
    allocations++;
    return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    allocations++;
    return __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    allocations++;
    return __real_realloc(memory, bytes);
}

void *__wrap_aligned_alloc(size_t align, size_t bytes)
{
    allocations++;
    return __real_aligned_alloc(align, bytes);
}

static void the_threads_of_the_device_do_not_matter(void **state)
{
    static Answers answers[2];
    (void)state;
    for (int t = 0; t < 2; t++) {
        InferCase c;
        infer_case_open(&c, both, LENGTH, 1 + 2 * t);
        infer_ask(c.session, 11, &answers[t]);
        infer_case_close(&c);
    }
    assert_memory_equal(&answers[0], &answers[1], sizeof answers[0]);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void request(Session *s, int kind, const History *h, int64_t count)
{
    static const int64_t stream[ANSWERS];
    static const int32_t item[ANSWERS * ANSWERS_K], block[] = {1, 5, 60};
    const RecommendOptions o = {.k = ANSWERS_K, .block = block, .blocked = 3};
    const ActOptions act = {.temperature = 1.0};
    const ActingRule mixed = {ACTING_MIXED, 0.7, 4}, last = {.exclude_last = 4};
    Recommendation out[ANSWERS * ANSWERS_K];
    int64_t found[ANSWERS];
    int32_t chosen[ANSWERS];
    float propensity[ANSWERS];
    if (kind > 1) assert_ok(session_act_by(s, kind == 2 ? &mixed : &last));
    switch (kind) {
    case 0: assert_ok(recommend_best(s, h, count, &o, out, found)); break;
    case 1: assert_ok(recommend_scores(s, h, count, item, ANSWERS_K, out)); break;
    default: assert_ok(act_choose(s, &act, h, stream, count, 0, chosen, propensity)); break;
    }
}

static void a_request_allocates_the_first_time_only(void **state)
{
    static InferHistory space[ANSWERS];
    History h[ANSWERS];
    (void)state;
    for (int i = 0; i < ANSWERS; i++) h[i] = *infer_history(&space[i], (uint64_t)i, 1 + i);
    for (int kind = 0; kind < 4; kind++) {
        InferCase c;
        infer_case_open(&c, both, LENGTH, 2);
        allocations = 0;
        request(c.session, kind, h, ANSWERS);
        assert_true(allocations > 0);
        allocations = 0;
        request(c.session, kind, h, ANSWERS);
        request(c.session, kind, h, ANSWERS / 2);
        assert_int_equal(allocations, 0);
        infer_case_close(&c);
    }
}

static void a_smaller_batch_takes_no_more_than_its_size(void **state)
{
    InferHistory space;
    InferCase c;
    Recommendation out;
    const RecommendOptions o = {.k = 1};
    int64_t found;
    (void)state;
    infer_case_open(&c, both, LENGTH, 1);
    assert_int_equal(c.session->memory.capacity, 0);
    assert_ok(recommend_best(c.session, infer_history(&space, 1, 3), 1, &o, &out, &found));
    assert_int_equal(c.session->memory.capacity, 64);
    assert_int_equal(c.session->tokens, 4096);
    infer_case_close(&c);
}

/* The batches are smaller then: the same up to rounding. */
static void a_small_session_does_the_same_in_parts(void **state)
{
    static Answers whole, parts;
    Session *small;
    InferCase c;
    (void)state;
    infer_case_open(&c, both, LENGTH, 2);
    infer_ask(c.session, 3, &whole);
    assert_ok(session_open(
        &small,
        &(SessionOptions){
            .model = &c.model, .length = LENGTH, .file = &c.file, .dev = &c.dev, .tokens = 30}));
    infer_ask(small, 3, &parts);
    for (int i = 0; i < ANSWERS; i++)
        for (int k = 0; k < ANSWERS_K; k++)
            assert_near(parts.score[i][k].score, whole.score[i][k].score, 1e-4);
    session_close(small);
    infer_case_close(&c);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static void what_cannot_be_opened_is_refused(void **state)
{
    Session *s;
    InferCase c;
    (void)state;
    infer_case_open(&c, both, LENGTH, 1);
    assert_refused(
        session_open(
            &s, &(SessionOptions){.checkpoint = "/no/such/run", .file = &c.file, .dev = &c.dev}),
        ERR_IO, "/no/such/run");
    assert_null(s);
    assert_refused(session_open(&s, &(SessionOptions){.checkpoint = "/no/such/run",
                                                      .data = c.path,
                                                      .device = "toaster"}),
                   ERR_USAGE, "toaster");
    assert_null(s);
    infer_case_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_threads_of_the_device_do_not_matter),
        cmocka_unit_test(a_request_allocates_the_first_time_only),
        cmocka_unit_test(a_smaller_batch_takes_no_more_than_its_size),
        cmocka_unit_test(a_small_session_does_the_same_in_parts),
        cmocka_unit_test(what_cannot_be_opened_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
