/* SPDX-License-Identifier: Apache-2.0 */
#include "data/behaviour/identity/verify.h"

#include <stdlib.h>
#include <string.h>

#include "data/behaviour/get.h"
#include "data/behaviour/identity/catalogue_hash.h"
#include "data/behaviour/store.h"

static Status compare(const Behaviour *b, const char *what, const char *said, const char *found)
{
    if (!strcmp(said, found)) return OK;
    return FAIL(ERR_FORMAT,
                "%s: %s has the hash %.12s..., but the file says %.12s...: the data were changed "
                "after the file was written",
                b->path, what, found, said);
}

/* *has: whether the object has such an attribute. */
static Status compare_attribute(const Behaviour *b, hid_t object, const char *name,
                                const char *what, const char *found, bool *has)
{
    char *said;
    TRY(get_text(b->path, object, name, &said));
    *has = said;
    const Status st = said ? compare(b, what, said, found) : OK;
    free(said);
    return st;
}

static Status compare_column(const Behaviour *b, const HashedColumn *c, bool *has)
{
    hid_t dataset;
    TRY(get_open(b->path, b->store->file, c->path, &dataset));
    const Status st = compare_attribute(b, dataset, "checksum", c->path, c->checksum, has);
    H5Dclose(dataset);
    return st;
}

Status verify_file(Verified *v, Behaviour *b)
{
    HashedColumns h;
    char hex[HASH_TEXT];
    *v = (Verified){0};
    TRY(hash_columns(&h, b));
    for (int i = 0; i < h.count; i++) {
        bool has;
        TRY(compare_column(b, &h.column[i], &has));
        v->checksums += has;
        v->without += !has;
    }
    TRY(hash_fingerprint(&h, hex));
    TRY(compare_attribute(b, b->store->file, "fingerprint", "the list of columns", hex,
                          &v->fingerprint));
    TRY(catalogue_hash_of(b, hex));
    return compare(b, "the catalogue", b->catalogue_hash, hex);
}
