/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { PREFIX_MIN = 3 };

static int letter(char c) { return c == '_' ? '-' : tolower((unsigned char)c); }

static bool same(char a, char b) { return letter(a) == letter(b); }

static int least(int a, int b) { return a < b ? a : b; }

int nearest_distance(const char *a, const char *b)
{
    /* Rows i - 2, i - 1 and i of the table whose entry [i][k] is the distance between the first i
     * letters of a and the first k letters of b. */
    int rows[3][NEAREST_NAME_MAX];
    const int lengths[] = {(int)strlen(a), (int)strlen(b)};
    if (lengths[0] >= NEAREST_NAME_MAX || lengths[1] >= NEAREST_NAME_MAX)
        return lengths[0] + lengths[1];
    for (int i = 0; i <= lengths[0]; i++) {
        int *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (int k = 1; k <= lengths[1]; k++) {
            if (i == 0) {
                row[k] = k;
                continue;
            }
            row[k] =
                least(least(above[k], row[k - 1]) + 1, above[k - 1] + !same(a[i - 1], b[k - 1]));
            if (i > 1 && k > 1 && same(a[i - 1], b[k - 2]) && same(a[i - 2], b[k - 1]))
                row[k] = least(row[k], two_above[k - 2] + 1);
        }
    }
    return rows[lengths[0] % 3][lengths[1]];
}

Nearest nearest_to(const char *wanted)
{
    Nearest n = {0};
    if (strlen(wanted) < sizeof n.wanted) snprintf(n.wanted, sizeof n.wanted, "%s", wanted);
    return n;
}

static bool begins_with_wanted(const Nearest *n, const char *name)
{
    const size_t length = strlen(n->wanted);
    for (size_t i = 0; i < length; i++)
        if (!same(n->wanted[i], name[i])) return false;
    return length >= PREFIX_MIN;
}

void nearest_offer_as(Nearest *n, const char *name, const char *shown)
{
    const int length = (int)strlen(n->wanted), most = length < 6 ? 1 : length / 3;
    int distance = nearest_distance(n->wanted, name);
    if (distance > 1 && begins_with_wanted(n, name)) distance = 1;
    if (length == 0 || distance > most || distance >= length) return;
    if (*n->best && distance >= n->distance) return;
    n->distance = distance;
    snprintf(n->best, sizeof n->best, "%s", shown);
}

void nearest_offer(Nearest *n, const char *name) { nearest_offer_as(n, name, name); }

void nearest_offer_list(Nearest *n, const char *list)
{
    while (*list) {
        char name[NEAREST_NAME_MAX];
        const size_t length = strcspn(list, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, list);
        if (length < sizeof name) nearest_offer(n, name);
        list += length;
        list += strspn(list, ", ");
    }
}

const char *nearest_hint(Nearest *n)
{
    if (*n->best) snprintf(n->hint, sizeof n->hint, " (did you mean \"%s\"?)", n->best);
    return n->hint;
}
