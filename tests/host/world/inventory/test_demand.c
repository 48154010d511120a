/* SPDX-License-Identifier: Apache-2.0 */
/* Demand: the laws, a history, draws, and the texts that name them. */
#include "ingest_case.h"

#include "world/inventory/demand_text.h"

static void moments(const Demand *d, double *mean, double *variance)
{
    double sum = 0.0, square = 0.0, total = 0.0;
    for (int k = 0; k <= d->max; k++) {
        total += d->probability[k];
        sum += k * d->probability[k];
        square += (double)k * k * d->probability[k];
    }
    assert_near(total, 1.0, 1e-14);
    *mean = sum;
    *variance = square - sum * sum;
}

static void counts_have_the_moments_of_their_laws(void **state)
{
    (void)state;
    Demand d;
    double mean, variance, p = exp(-5.0);
    assert_ok(demand_poisson(&d, 5.0, 0));
    /* A recurrence against the logarithms of the table: some 40 roundings each. */
    for (int k = 0; k < d.max; p *= 5.0 / ++k) assert_near(d.probability[k], p, 1e-14 * p + 1e-16);
    moments(&d, &mean, &variance);
    assert_near(mean, 5.0, 1e-9);
    assert_near(variance, 5.0, 1e-8);
    demand_close(&d);
    assert_ok(demand_negative_binomial(&d, 6.0, 0.7, 0));
    moments(&d, &mean, &variance);
    assert_near(mean, 6.0, 1e-9);
    assert_near(variance, 0.49 * 36.0, 1e-7);
    demand_close(&d);
}

/* Simpson's rule over the density of the gamma distribution, from `low` to `high`. */
static double gamma_mass(double shape, double rate, double low, double high)
{
    enum { PARTS = 2000 };
    double sum = 0.0;
    for (int i = 0; i <= PARTS; i++) {
        const double x = low + (high - low) * i / PARTS;
        const double density =
            x > 0.0 ? exp(shape * log(rate) + (shape - 1.0) * log(x) - rate * x - lgamma(shape))
                    : 0.0;
        sum += density * (i == 0 || i == PARTS ? 1.0 : i % 2 ? 4.0 : 2.0);
    }
    return sum * (high - low) / PARTS / 3.0;
}

static void gamma_demand_is_the_density_rounded(void **state)
{
    (void)state;
    static const double cases[][2] = {{4.0, 0.5}, {20.0, 0.25}, {3.0, 0.4}};
    for (int c = 0; c < 3; c++) {
        Demand d;
        const double shape = 1.0 / (cases[c][1] * cases[c][1]), rate = shape / cases[c][0];
        assert_ok(demand_gamma(&d, cases[c][0], cases[c][1], 100));
        assert_int_equal(d.max, 100);
        for (int k = 0; k < 60; k++)
            assert_near(d.probability[k], gamma_mass(shape, rate, fmax(k - 0.5, 0.0), k + 0.5),
                        1e-10);
        demand_close(&d);
    }
}

static void a_history_is_resampled(void **state)
{
    (void)state;
    static const int64_t sold[] = {3, 0, 0, 7, 3, 3, 1, 0};
    Demand d;
    assert_ok(demand_history(&d, sold, 8));
    assert_int_equal(d.max, 7);
    assert_near(d.mean, 17.0 / 8.0, 1e-15);
    assert_near(d.probability[0], 3.0 / 8.0, 0.0);
    assert_near(d.probability[3], 3.0 / 8.0, 0.0);
    assert_near(d.probability[2], 0.0, 0.0);
    assert_near(d.probability[7], 1.0 / 8.0, 1e-15);
    demand_close(&d);
    static const int64_t bad[] = {1, -2};
    assert_int_equal(demand_history(&d, bad, 2), ERR_FORMAT);
    assert_non_null(strstr(status_message(), "observation 1 is a demand of -2"));
    status_clear();
}

/* The word that draws d is one of P(d) 2^32 in a row: its first and last, and no other. */
static void draws_invert_the_table(void **state)
{
    (void)state;
    Demand d;
    assert_ok(demand_gamma(&d, 4.0, 0.5, 0));
    for (int k = 0; k < d.max; k++) {
        const double first = ceil((k ? d.cumulative[k - 1] : 0.0) * 0x1p32);
        const double past = ceil(d.cumulative[k] * 0x1p32);
        if (past <= first) continue;
        assert_int_equal(demand_draw(&d, (uint32_t)first), k);
        assert_int_equal(demand_draw(&d, (uint32_t)(past - 1.0)), k);
    }
    assert_true(demand_draw(&d, UINT32_MAX) <= d.max);
    demand_close(&d);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void demand_is_read_from_texts(void **state)
{
    (void)state;
    char path[] = "/tmp/souk-demand-XXXXXX", text[200];
    Demand d;
    assert_true(mkstemp(path) >= 0);
    write_file(path, "part,a,b,c\nx,1,,3\ny,4,5,6\nx,8,9,10\n");
    snprintf(text, sizeof text, "history:%s:row=y", path);
    assert_ok(demand_text_parse(&d, text));
    assert_near(d.mean, 5.0, 1e-15);
    demand_close(&d);
    snprintf(text, sizeof text, "history:%s:column=c:part=x:unit=2", path);
    assert_ok(demand_text_parse(&d, text)); /* 3 / 2 rounds to 2, 10 / 2 = 5 */
    assert_near(d.mean, 3.5, 1e-15);
    demand_close(&d);
    snprintf(text, sizeof text, "history:%s:column=b:part=x", path);
    assert_ok(demand_text_parse(&d, text)); /* the empty field is no observation */
    assert_near(d.mean, 9.0, 1e-15);
    demand_close(&d);
    assert_ok(demand_text_parse(&d, "gamma:4:0.5:max=100"));
    assert_int_equal(d.max, 100);
    demand_close(&d);

    static const struct {
        const char *text, *told;
    } bad[] = {{"uniform:3", "want poisson"},
               {"poisson:x", "the mean is \"x\""},
               {"poisson:-1", "mean -1"},
               {"gamma:4", "coefficient of variation"},
               {"negative_binomial:4:0.5", "want one above Poisson's"},
               {"poisson:5:max=0", "max=0"},
               {"history", "want history:FILE"},
               {"history:%s", "want column=NAME"},
               {"history:%s:column=z", "no column \"z\""},
               {"history:%s:column=part", ":2: \"x\", want a number"},
               {"history:%s:row=z", "no observation"},
               {"history:%s:row=x:unit=0", "unit=0"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text, bad[i].text, path);
        assert_int_not_equal(demand_text_parse(&d, text), OK);
        if (!strstr(status_message(), bad[i].told)) fail_msg("%s: \"%s\"", text, status_message());
        status_clear();
    }
    unlink(path);
}

/* Four users over five days: the tea sells 2, 0, 1, 0 and 0; a view is no sale. */
static void demand_is_counted_from_a_behaviour_file(void **state)
{
    (void)state;
    char text[600];
    Demand d;
    assert_ok(ingest_text("[columns]\nuser = u\nitem = i\ntime = t\naction = a\n"
                          "[actions]\nview = 0\npurchase = 1\n[split]\nrule = leave-one-out\n",
                          "u,i,a,t\n"
                          "ann,tea,purchase,3600\n"
                          "bob,tea,purchase,86399\n"
                          "ann,pot,purchase,90000\n"
                          "cat,tea,view,172799\n"
                          "cat,tea,purchase,172800\n"
                          "bob,pot,purchase,300000\n"
                          "dan,tea,view,345600\n"));
    snprintf(text, sizeof text, "history:%s:item=tea", in_folder("out.h5"));
    assert_ok(demand_text_parse(&d, text));
    assert_int_equal(d.max, 2);
    const double want[] = {0.6, 0.2, 0.2};
    for (int k = 0; k <= 2; k++) assert_near(d.probability[k], want[k], 1e-15);
    assert_near(d.mean, 0.6, 1e-15);
    demand_close(&d);
    snprintf(text, sizeof text, "history:%s:item=cup", in_folder("out.h5"));
    assert_fails(demand_text_parse(&d, text), "has no item \"cup\"");
    snprintf(text, sizeof text, "history:%s:item=tea:column=i", in_folder("out.h5"));
    assert_fails(demand_text_parse(&d, text), "want item=KEY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_have_the_moments_of_their_laws),
        cmocka_unit_test(gamma_demand_is_the_density_rounded),
        cmocka_unit_test(a_history_is_resampled),
        cmocka_unit_test(draws_invert_the_table),
        cmocka_unit_test(demand_is_read_from_texts),
        cmocka_unit_test(demand_is_counted_from_a_behaviour_file),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
