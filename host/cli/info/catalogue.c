/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/info/catalogue.h"

#include <stdio.h>

#include "base/report.h"
#include "cli/info/print.h"
#include "model/saved.h"

/* *b is {0} where the model keeps no catalogue. */
static Status open_catalogue(Behaviour *b, const Safetensors *file, const char *path)
{
    bool has;
    *b = (Behaviour){0};
    TRY(saved_has_catalogue(path, &has));
    if (!has) return OK;
    TRY(saved_open_catalogue(b, path));
    const Status st = saved_catalogue(file, b);
    if (st != OK) behaviour_close(b);
    return st;
}

/* A text of the metadata, "" where an earlier version did not write it. */
static const char *said(const Safetensors *file, const char *key)
{
    const char *text = safetensors_metadata(file, key);
    return text ? text : "";
}

/* The items that are no longer sold. */
static Status read_retired(Retired *r, const Behaviour *b, const char *path)
{
    char model[4096];
    TRY(saved_find(model, sizeof model, path, false));
    return retired_read(r, model, b);
}

static void print_retired(const Retired *r)
{
    if (!r->item) return;
    printf("retired: %s items, which are never chosen", info_print_number(r->count));
    if (r->strays) printf("; %s listed keys are of no item", info_print_number(r->strays));
    putchar('\n');
}

static void print_contents(const Behaviour *b, const Retired *r)
{
    printf("catalogue: %s items, in %s\n", info_print_number(b->items), b->path);
    print_retired(r);
    printf("actions: ");
    for (int a = 0; a < b->actions; a++) {
        char shown[REPORT_LINE_MAX];
        printf("%s%s%s", a ? ", " : "", report_line(shown, b->action_name[a]),
               b->action_impression[a] ? " (an impression)" : "");
    }
    putchar('\n');
    info_print_features(b);
}

Status info_catalogue_print(const Safetensors *file, const char *path)
{
    Behaviour b;
    Retired retired = {0};
    Status st;
    TRY(open_catalogue(&b, file, path));
    if (b.path) TRY_OR_FAIL(st, read_retired(&retired, &b, path));
    if (b.path)
        print_contents(&b, &retired);
    else
        printf("catalogue: not kept, as the model is of an earlier version; it is used with the "
               "data that it was trained on\n");
    printf("data: catalogue %.16s", said(file, "catalogue_hash"));
    if (*said(file, "fingerprint")) printf(", fingerprint %.16s", said(file, "fingerprint"));
    if (*said(file, "souk")) printf("; trained by souk %s", said(file, "souk"));
    putchar('\n');
    st = OK;
fail:
    retired_close(&retired);
    behaviour_close(&b);
    return st;
}

static json_t *text_or_null(const char *text) { return *text ? report_string(text) : json_null(); }

static void add_contents(const Behaviour *b, const Retired *r, json_t *root)
{
    json_t *actions = json_array();
    for (int a = 0; a < b->actions; a++)
        json_array_append_new(actions,
                              json_pack("{s:o, s:f, s:b}", "name", report_string(b->action_name[a]),
                                        "reward", (double)b->action_reward[a], "impression",
                                        (int)b->action_impression[a]));
    json_object_set_new(root, "items", json_integer((json_int_t)b->items));
    json_object_set_new(root, "retired_items", json_integer((json_int_t)r->count));
    json_object_set_new(root, "retired_keys_of_no_item", json_integer((json_int_t)r->strays));
    json_object_set_new(root, "actions", actions);
    info_print_json_features(b, root);
}

Status info_catalogue_json(const Safetensors *file, const char *path, json_t *root)
{
    Behaviour b;
    Retired retired = {0};
    Status st;
    TRY(open_catalogue(&b, file, path));
    if (b.path) TRY_OR_FAIL(st, read_retired(&retired, &b, path));
    json_object_set_new(root, "version", text_or_null(said(file, "souk")));
    json_object_set_new(root, "fingerprint", text_or_null(said(file, "fingerprint")));
    json_object_set_new(root, "catalogue_hash", text_or_null(said(file, "catalogue_hash")));
    json_object_set_new(root, "catalogue", b.path ? report_string(b.path) : json_null());
    if (b.path) add_contents(&b, &retired, root);
    st = OK;
fail:
    retired_close(&retired);
    behaviour_close(&b);
    return st;
}
