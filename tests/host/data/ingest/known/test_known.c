/* SPDX-License-Identifier: Apache-2.0 */
/* A later log, read into the catalogue of an earlier one: what was known keeps its place. */
#include <hdf5.h>

#include "data/behaviour/catalogue/names.h"
#include "data/behaviour/catalogue/write.h"
#include "ingest_case.h"

#define COLUMNS "[columns]\nuser = u\nitem = i\ntime = t\naction = a\ntime_check = no\n"
#define KINDS   "[actions]\nview = 0.25\nbuy = 1\n"
#define LEAVE   "[split]\nrule = leave-one-out\n"
#define ITEMS   "[items]\nbrand = category b\nprice = number p\n"
#define MAP     COLUMNS KINDS ITEMS LEAVE
#define HEADER  "u,i,t,a,b,p\n"

static const char first_log[] =
    HEADER "a,x,1,view,red,10\na,y,2,buy,blue,30\na,x,3,view,red,10\na,z,4,view,,50\n"
           "b,y,1,view,blue,30\nb,z,2,view,,50\nb,x,3,buy,red,10\nb,x,4,view,red,10\n";

static char warned[4096];

static void hear(Listener *self, const char *text)
{
    (void)self;
    snprintf(warned + strlen(warned), sizeof warned - strlen(warned), "%s\n", text);
}

static Status grow_with(IngestOptions o, const char *ini, const char *log, const char *output)
{
    static char catalogue[512];
    Listener listener = {.warn = hear};
    warned[0] = '\0';
    write_text("later", log);
    snprintf(catalogue, sizeof catalogue, "%s", in_folder("known.h5"));
    o.catalogue = catalogue;
    o.force = true;
    o.listener = &listener;
    return ingest_with(o, ini, "later", output);
}

static Status grow(const char *ini, const char *log)
{
    return grow_with((IngestOptions){.plain_keys = true}, ini, log, "out.h5");
}

/* The catalogue of a log, in a file of its own as a model keeps it. */
static void know(const char *ini, const char *log)
{
    Behaviour b;
    assert_ok(ingest_text(ini, log));
    assert_ok(behaviour_open(&b, in_folder("out.h5")));
    assert_ok(catalogue_write(&b, in_folder("known.h5")));
    behaviour_close(&b);
}

static const char *item_key(Behaviour *b, int32_t item)
{
    const char *key;
    assert_ok(behaviour_keys_item(b, item, &key));
    return key;
}

static void the_same_log_gives_the_same_catalogue(void **state)
{
    (void)state;
    know(MAP, first_log);
    const double median = report.median[1];
    Read then = read_file("out.h5");
    assert_ok(grow(MAP, first_log));
    Read now = read_file("out.h5");
    assert_string_equal(now.b.catalogue_hash, then.b.catalogue_hash);
    assert_int_equal(now.b.events, then.b.events);
    assert_memory_equal(now.item, then.item, (size_t)then.b.events * sizeof *then.item);
    assert_memory_equal(now.action, then.action, (size_t)then.b.events);
    const GrownReport *g = &report.grown;
    assert_true(g->any && g->known == 3 && g->seen == 3 && g->fresh == 0 && g->changed == 0);
    assert_near(report.median[1], median, 0.0);
    assert_string_equal(warned, "");
    close_read(&then);
    close_read(&now);
}

/* The first item of this log is new, and so are its first brand, and its scale. */
static void known_rows_stay_and_new_ones_come_behind(void **state)
{
    (void)state;
    know(MAP, first_log);
    Read then = read_file("out.h5");
    assert_ok(grow(MAP, HEADER "a,new,1,buy,green,1000\na,z,2,view,blue,\na,x,3,view,red,10\n"
                               "a,new,4,view,green,1000\nc,new,5,view,,\n"));
    Read now = read_file("out.h5");
    static const char *const keys[] = {"x", "y", "z", "new"};
    assert_int_equal(now.b.items, 4);
    for (int32_t i = 0; i < 4; i++) assert_string_equal(item_key(&now.b, i), keys[i]);
    const FeatureSet *f = &now.b.item_features, *before = &then.b.item_features;
    assert_int_equal(f->kind_rows[0], before->kind_rows[0] + 1);
    const int32_t rows[] = {before->category[0], before->category[1], before->category[1], 3};
    assert_memory_equal(f->category, rows, sizeof rows); /* z had none, and has blue now */
    assert_near(f->mean[0], (double)before->mean[0], 0.0);
    assert_near(f->std[0], (double)before->std[0], 0.0);
    assert_memory_equal(f->number, before->number, 3 * sizeof *f->number);
    assert_near(schema_value(f, 0, f->number[3]), 1000.0, 1e-3);
    assert_int_equal(now.item[0], 3);
    const GrownReport *g = &report.grown;
    assert_true(g->known == 3 && g->seen == 2 && g->fresh == 1 && g->changed == 1);
    assert_int_equal(g->changed_feature[0], 1);
    assert_int_equal(g->changed_feature[1], 0);
    assert_non_null(strstr(report.text, "with newer features"));
    FeatureSet *named = &now.b.item_features;
    assert_ok(names_read(named, &now.b, names_of_items));
    assert_string_equal(named->row_name[0][2], "green");
    close_read(&then);
    close_read(&now);
}

static void the_newest_value_of_the_train_split_holds(void **state)
{
    (void)state;
    know(MAP, first_log);
    assert_ok(grow(MAP, HEADER "a,x,1,view,red,20\na,y,2,view,blue,30\na,y,3,view,red,99\n"
                               "a,z,4,view,red,50\n"));
    Read now = read_file("out.h5");
    const FeatureSet *f = &now.b.item_features;
    assert_near(schema_value(f, 0, f->number[0]), 20.0, 1e-4);
    assert_near(schema_value(f, 0, f->number[1]), 30.0, 1e-4); /* 99 is of the validation split */
    assert_int_equal(f->category[1], 2);
    assert_int_equal(f->category[2], 1); /* z's brand was unknown: any is better */
    assert_int_equal(report.grown.changed, 2);
    close_read(&now);
}

static void a_missing_number_means_what_it_meant(void **state)
{
    (void)state;
    know(MAP, first_log);
    assert_ok(grow(MAP, HEADER "a,x,1,view,red,10\na,n,2,view,red,\na,x,3,view,red,10\n"
                               "a,n,4,view,red,\n"));
    Read now = read_file("out.h5");
    const FeatureSet *f = &now.b.item_features;
    assert_int_equal(f->numbers, 1);
    assert_near(schema_value(f, 0, f->number[3]), 30.0, 1e-4); /* the median of 10, 30 and 50 */
    assert_non_null(strstr(warned, "1 values of the number \"price\" are missing"));
    close_read(&now);
    know(MAP, HEADER "a,x,1,view,red,10\na,y,2,view,red,\na,z,3,view,red,30\na,z,4,view,red,30\n"
                     "a,z,5,view,red,30\n");
    assert_ok(grow(MAP, HEADER "a,x,1,view,red,10\na,x,2,view,red,10\na,n,3,view,red,\n"
                               "a,n,4,view,red,5\n"));
    now = read_file("out.h5");
    f = &now.b.item_features;
    assert_int_equal(f->numbers, 2);
    const float flags[] = {f->number[1], f->number[3], f->number[5], f->number[7]};
    assert_memory_equal(flags, ((const float[]){0, 1, 0, 0}), sizeof flags);
    assert_string_equal(warned, "");
    close_read(&now);
}

static void known_items_need_no_events(void **state)
{
    (void)state;
    know(MAP, first_log);
    assert_ok(grow(COLUMNS KINDS ITEMS LEAVE "[clean]\nmin_item_events = 2\n",
                   HEADER "a,x,1,view,red,10\na,n,2,view,red,1\na,m,3,view,red,1\n"
                          "a,m,4,view,red,1\na,m,5,view,red,1\n"));
    Read now = read_file("out.h5");
    assert_int_equal(now.b.items, 4);
    assert_string_equal(item_key(&now.b, 3), "m");
    assert_int_equal(now.item[0], 0);
    assert_int_equal(report.core_items, 1);
    close_read(&now);
}

static void kinds_keep_their_places_or_are_refused(void **state)
{
    (void)state;
    const char *log = HEADER "a,x,1,buy,red,10\na,y,2,view,red,10\na,y,3,view,red,1\n";
    know(MAP, first_log);
    assert_ok(grow(COLUMNS "[actions]\nbuy = 1\nlook = 3\nview = 0.25\n" ITEMS LEAVE, log));
    Read now = read_file("out.h5");
    assert_int_equal(now.b.actions, 2);
    assert_string_equal(now.b.action_name[0], "view");
    assert_memory_equal(now.action, ((const uint8_t[]){1, 0, 0}), 3);
    assert_memory_equal(now.reward, ((const float[]){1.0f, 0.25f, 0.25f}), 3 * sizeof(float));
    close_read(&now);
    assert_fails(grow(COLUMNS "[actions]\nview = 0.25\nbuy = 2\n" ITEMS LEAVE, log),
                 "\"buy\" has the reward 1 in ");
    assert_fails(grow(COLUMNS KINDS "[impressions]\nactions = view\n" ITEMS LEAVE, log),
                 "\"view\" is no impression in ");
    assert_fails(grow(COLUMNS KINDS "wish = 0\n" ITEMS LEAVE,
                      HEADER "a,x,1,buy,red,10\na,y,2,wish,red,10\n"),
                 "later has events of the kind \"wish\", which ");
    assert_ok(grow(COLUMNS KINDS "[action_values]\nwish = view\n" ITEMS LEAVE,
                   HEADER "a,x,1,buy,red,10\na,y,2,wish,red,10\na,y,3,wish,red,10\n"));
}

static void other_features_are_refused_by_name(void **state)
{
    (void)state;
    know(MAP, first_log);
    assert_fails(grow(COLUMNS KINDS "[items]\nbrand = category b\n" LEAVE, first_log),
                 "has the item number \"price\", for which the log has no column");
    assert_fails(grow(COLUMNS KINDS ITEMS "size = number p\n" LEAVE, first_log),
                 "has no item number \"size\"");
    assert_fails(grow(COLUMNS KINDS ITEMS "[events]\nprice = number p\n" LEAVE, first_log),
                 "has no event number \"price\"");
    assert_fails(
        grow(COLUMNS KINDS "[items]\nbrand = category b\nprice = number p log\n" LEAVE, first_log),
        "items.price is no logarithm in ");
    assert_fails(grow(COLUMNS KINDS ITEMS "title = text b\n" LEAVE, first_log),
                 "has no item text \"title\"");
    /* The order of the mapping does not matter. */
    assert_ok(
        grow(COLUMNS KINDS "[items]\nprice = number p\nbrand = category b\n" LEAVE, first_log));
}

/* Values of users are told by their pseudonyms, if the key is the same. */
static void users_categories_are_told_by_pseudonyms(void **state)
{
    (void)state;
    static const char map[] = COLUMNS KINDS "[users]\nland = category b\n" LEAVE;
    static const char log[] = HEADER "a,x,1,view,fr,\nb,x,1,view,de,\nc,x,1,view,fr,\n";
    char key[512];
    Behaviour b;
    snprintf(key, sizeof key, "%s", in_folder("secret"));
    write_bytes("secret", "0123456789abcdef0123456789ABCDEF", 32);
    write_text("log", log);
    assert_ok(ingest_with((IngestOptions){.key_file = key, .force = true}, map, "log", "known.h5"));
    const char *later = HEADER "d,x,1,view,it,\nb,x,1,view,de,\n";
    assert_ok(grow_with((IngestOptions){.key_file = key}, map, later, "out.h5"));
    assert_ok(behaviour_open(&b, in_folder("out.h5")));
    assert_int_equal(b.user_features.kind_rows[0], 4);
    assert_memory_equal(b.user_features.category, ((const int32_t[]){3, 2}), 2 * sizeof(int32_t));
    behaviour_close(&b);
    size_t length;
    char *bytes = read_bytes("out.h5", &length);
    assert_null(memmem(bytes, length, "\0it\0", 4));
    free(bytes);
    assert_null(strstr(warned, "land"));
    assert_ok(grow_with((IngestOptions){0}, map, later, "out.h5"));
    assert_non_null(strstr(warned, "no value of the users' land is known: want the --key-file"));
    assert_fails(grow(map, later), "has the categories of users as pseudonyms: want no");
}

static const int32_t *texts_of(const Behaviour *b, int32_t item, int64_t *count)
{
    *count = b->texts.offset[item + 1] - b->texts.offset[item];
    return b->texts.row + b->texts.offset[item];
}

static void n_grams_keep_their_rows(void **state)
{
    (void)state;
    static const char map[] = COLUMNS KINDS "[items]\ntitle = text b\n" LEAVE;
    know(map, HEADER "a,x,1,view,red lamp,\na,y,2,view,red cup,\na,z,3,view,blue cup,\n"
                     "a,w,4,view,pen,\na,w,5,view,pen,\na,w,6,view,pen,\n");
    Read then = read_file("out.h5");
    /* y says the same, x something else, z is not here; "lamp" is new, as two items have it. */
    assert_ok(grow(map, HEADER "a,new,1,view,cup lamp,\na,y,2,view,red cup,\na,x,3,view,lamp,\n"
                               "a,w,4,view,pen,\na,w,5,view,pen,\na,w,6,view,pen,\n"));
    Read now = read_file("out.h5");
    int64_t count, before;
    assert_true(now.b.texts.rows > then.b.texts.rows);
    for (int32_t i = 1; i < 3; i++) {
        const int32_t *a = texts_of(&then.b, i, &before), *b = texts_of(&now.b, i, &count);
        assert_int_equal(count, before);
        assert_true(count > 0);
        assert_memory_equal(a, b, (size_t)count * sizeof *a);
    }
    assert_memory_equal(now.b.texts.bucket, then.b.texts.bucket,
                        (size_t)then.b.texts.rows * sizeof(int32_t));
    const int32_t *x = texts_of(&now.b, 0, &count);
    assert_true(count > 0 && x[0] >= then.b.texts.rows); /* nothing red any more */
    const int32_t *fresh = texts_of(&now.b, 4, &count);
    assert_true(count > 0 && fresh[0] < then.b.texts.rows); /* cup, as y and z */
    assert_int_equal(report.grown.changed, 1);
    close_read(&then);
    close_read(&now);
}

static void a_catalogue_without_names_is_refused(void **state)
{
    (void)state;
    know(MAP, first_log);
    const hid_t file = H5Fopen(in_folder("known.h5"), H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(H5Ldelete(file, "/catalogue/items", H5P_DEFAULT) >= 0);
    assert_true(H5Fclose(file) >= 0);
    assert_fails(grow(MAP, first_log), "has no names of the rows of /items/brand");
    write_text("known.h5", "no HDF5");
    assert_fails(grow(MAP, first_log), "known.h5: not a readable HDF5 file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_log_gives_the_same_catalogue),
        cmocka_unit_test(known_rows_stay_and_new_ones_come_behind),
        cmocka_unit_test(the_newest_value_of_the_train_split_holds),
        cmocka_unit_test(a_missing_number_means_what_it_meant),
        cmocka_unit_test(known_items_need_no_events),
        cmocka_unit_test(kinds_keep_their_places_or_are_refused),
        cmocka_unit_test(other_features_are_refused_by_name),
        cmocka_unit_test(users_categories_are_told_by_pseudonyms),
        cmocka_unit_test(n_grams_keep_their_rows),
        cmocka_unit_test(a_catalogue_without_names_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
