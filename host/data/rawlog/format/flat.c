/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/format/flat.h"

#include <string.h>

typedef struct {
    Flat *flat;
    Text *value;
    const char *end;
    int members;              /* visited so far */
    char path[FLAT_PATH_MAX]; /* of the objects around the member, each with its point */
} Walk;

/* ---- Names ----------------------------------------------------------------------------------- */

/* The path and name of a member, into `out` [FLAT_PATH_MAX]; 0 where they are longer. */
static size_t full_name(const char *path, size_t length, Text name, bool escaped, char *out)
{
    char plain[FLAT_PATH_MAX];
    if (name.length >= sizeof plain) return 0;
    if (escaped) {
        memcpy(plain, name.at, name.length);
        name = scan_unescape(plain, name.length);
    }
    if (length + name.length >= FLAT_PATH_MAX) return 0;
    memmove(out, path, length); /* `out` may be `path` itself */
    memcpy(out + length, name.at, name.length);
    return length + name.length;
}

static bool begins(Text name, const char *with, size_t length)
{
    return name.length > length && memcmp(name.at, with, length) == 0;
}

static FlatSeen search(const Walk *w, size_t path, Text name, bool escaped, int parent)
{
    FlatSeen seen = {.name = name, .parent = parent, .index = -1};
    char full[FLAT_PATH_MAX];
    const size_t length = full_name(w->path, path, name, escaped, full);
    for (int i = 0; length && i < w->flat->names; i++) {
        const Text wanted = w->flat->name[i];
        if (text_equal(wanted, (Text){full, (uint32_t)length})) seen.index = i;
        seen.inside |= begins(wanted, full, length) && wanted.at[length] == '.';
    }
    return seen;
}

static FlatSeen look_up(Walk *w, size_t path, Text name, bool escaped, int parent, int member)
{
    if (member >= FLAT_SEEN) return search(w, path, name, escaped, parent);
    FlatSeen *seen = &w->flat->seen[member];
    if (!seen->name.at || seen->parent != parent || !text_equal(seen->name, name))
        *seen = search(w, path, name, escaped, parent);
    return *seen;
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* The value at .. end-1 as text, with its escapes. */
static Text raw_text(const char *at, const char *end)
{
    switch (*at) {
    case '"': return (Text){at + 1, (uint32_t)(end - 1 - (at + 1))};
    case 't': return text_of("1");
    case 'f': return text_of("0");
    case '{':
    case '[':
    case 'n':
    case 'N': return (Text){"", 0};
    default: return (Text){at, (uint32_t)(end - at)};
    }
}

static const char *take_value(Walk *w, const char *at, int index, int depth)
{
    bool escaped = false;
    const char *next =
        *at == '"' ? scan_string(at, w->end, &escaped) : scan_value(at, w->end, depth);
    if (!next || index < 0) return next;
    const int arrays = w->flat->arrays, either = arrays + w->flat->either;
    if (*at == '[' && index < either)
        w->value[index] = (Text){at, (uint32_t)(next - at)};
    else
        w->value[index] = index < arrays ? (Text){"", 0} : raw_text(at, next);
    w->flat->escaped[index] = escaped && index >= arrays;
    return next;
}

Text flat_text(char *at, const char *end)
{
    const Text text = raw_text(at, end);
    if (*at != '"' || !memchr(text.at, '\\', text.length)) return text;
    return scan_unescape(at + 1, text.length);
}

/* A member that repeats replaces all that is in the one before. */
static void forget(Walk *w, size_t path)
{
    for (int i = 0; i < w->flat->names; i++)
        if (begins(w->flat->name[i], w->path, path)) w->value[i] = (Text){"", 0};
}

static const char *walk_object(Walk *w, const char *at, size_t path, int parent, int depth)
{
    Text name;
    bool escaped;
    ScanMember member = SCAN_MEMBER;
    at++;
    for (bool first = true; at; first = false) {
        member = scan_member(&at, w->end, first, &name, &escaped);
        if (member != SCAN_MEMBER) break;
        const int number = w->members++;
        const FlatSeen seen = look_up(w, path, name, escaped, parent, number);
        if (seen.inside) {
            const size_t longer = full_name(w->path, path, name, escaped, w->path) + 1;
            w->path[longer - 1] = '.';
            forget(w, longer);
            if (*at == '{') {
                if (seen.index >= 0) w->value[seen.index] = (Text){"", 0};
                at = walk_object(w, at, longer, number, depth + 1);
                continue;
            }
        }
        at = take_value(w, at, seen.index, depth);
    }
    return member == SCAN_END ? at : NULL;
}

bool flat_read(Flat *flat, char *at, char *end, Text *value)
{
    Walk w = {.flat = flat, .value = value, .end = end};
    memset(flat->escaped, 0, sizeof flat->escaped);
    for (int i = 0; i < flat->names; i++) value[i] = (Text){"", 0};
    const char *next = scan_blanks(at, end);
    if (next == end || *next != '{' || !scan_is_utf8(at, (size_t)(end - at))) return false;
    next = walk_object(&w, next, 0, -1, 1);
    if (!next || scan_blanks(next, end) != end) return false;
    for (int i = 0; i < flat->names; i++)
        if (flat->escaped[i] && value[i].length)
            value[i] = scan_unescape((char *)value[i].at, value[i].length);
    return true;
}

/* ---- All names ------------------------------------------------------------------------------- */

typedef struct {
    bool (*take)(void *context, Text path);
    void *context;
    bool enough;
} Listing;

static const char *list_object(Listing *l, const char *at, const char *end, const char *path,
                               size_t length, int depth)
{
    Text name;
    bool escaped;
    ScanMember member = SCAN_MEMBER;
    at++;
    for (bool first = true; at && !l->enough; first = false) {
        char full[FLAT_PATH_MAX + 1];
        member = scan_member(&at, end, first, &name, &escaped);
        if (member != SCAN_MEMBER) break;
        const size_t longer = full_name(path, length, name, escaped, full);
        if (longer && *at == '{') {
            full[longer] = '.';
            at = list_object(l, at, end, full, longer + 1, depth + 1);
        } else {
            at = scan_value(at, end, depth);
            l->enough = at && longer && !l->take(l->context, (Text){full, (uint32_t)longer});
        }
    }
    return member == SCAN_END || l->enough ? at : NULL;
}

bool flat_names(const char *at, const char *end, bool (*take)(void *context, Text path),
                void *context)
{
    Listing l = {take, context, false};
    at = scan_blanks(at, end);
    return at < end && *at == '{' && list_object(&l, at, end, "", 0, 1);
}
