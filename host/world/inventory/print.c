/* SPDX-License-Identifier: Apache-2.0 */
#include "world/inventory/print.h"

#include <inttypes.h>

/* An age is the age at the next demand; stock has age 1 in the first period that it serves. */
void inventory_print_name(const Inventory *v, int place, char name[INVENTORY_NAME])
{
    if (place < v->in_transit)
        snprintf(name, INVENTORY_NAME, "ordered_%d_ago", place + 1);
    else if (v->is.life == 0)
        snprintf(name, INVENTORY_NAME, "stock");
    else
        snprintf(name, INVENTORY_NAME, "age_%d", place - v->in_transit + 1 + (v->is.lead == 0));
}

static int least(int a, int b) { return a < b ? a : b; }

static void print_order(FILE *out, int64_t order)
{
    if (order < 0)
        fprintf(out, "   .");
    else
        fprintf(out, "%4" PRId64, order);
}

/* Prints the table of the places `down` and `across` (-1: there is one column), with the other
 * places as in `state`. */
static void print_table(FILE *out, const Inventory *v, const int64_t *order, int *state, int down,
                        int across, int most)
{
    char name[INVENTORY_NAME];
    const int columns = across < 0 ? 0 : least(most, v->limit[across]);
    inventory_print_name(v, down, name);
    fprintf(out, "%16s |", name);
    for (int x = 0; x <= columns && across >= 0; x++) fprintf(out, "%4d", x);
    if (across < 0)
        fprintf(out, "order\n");
    else
        inventory_print_name(v, across, name), fprintf(out, "  %s\n", name);
    for (state[down] = least(most, v->limit[down]); state[down] >= 0; state[down]--) {
        fprintf(out, "%16d |", state[down]);
        for (int x = 0; x <= columns; x++) {
            if (across >= 0) state[across] = x;
            print_order(out, order[inventory_index(v, state)]);
        }
        fputc('\n', out);
    }
}

/* Moves to the next combination of the places other than `down` and `across`, each up to `most`;
 * false after the last one. */
static bool next_others(const Inventory *v, int *state, int down, int across, int most)
{
    for (int i = v->places - 1; i >= 0; i--) {
        if (i == down || i == across) continue;
        if (state[i]++ < least(most, v->limit[i])) return true;
        state[i] = 0;
    }
    return false;
}

void inventory_print(FILE *out, const Inventory *v, const int64_t *order, int most)
{
    int state[INVENTORY_PLACES_MAX] = {0};
    if (v->places == 0) {
        fprintf(out, "order %" PRId64 "\n", order[0]);
        return;
    }
    const int down = v->in_transit < v->places ? v->in_transit : 0;
    const int across = down + 1 < v->places ? down + 1 : down - 1;
    do {
        state[down] = 0;
        if (across >= 0) state[across] = 0;
        const char *before = "";
        for (int i = 0; i < v->places; i++) {
            char name[INVENTORY_NAME];
            if (i == down || i == across) continue;
            inventory_print_name(v, i, name);
            fprintf(out, "%s%s: %d", before, name, state[i]);
            before = ", ";
        }
        if (*before) fputc('\n', out);
        print_table(out, v, order, state, down, across, most);
    } while (next_others(v, state, down, across, most));
}
