/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/detect/fit.h"

#include <stdlib.h>
#include <string.h>

#include "data/rawlog/format/list.h"
#include "data/rawlog/map.h"

/* Whether the log has a column that a mapping names; a part of a list is in the list's column. */
static bool has_column(const ColumnUses *columns, const ListSpec *list, const char *name)
{
    const char *inside;
    const int k = list_of(list, name, &inside);
    if (k >= 0) name = list->column[k];
    for (int i = 0; i < columns->count; i++)
        if (strcmp(columns->column[i].name, name) == 0) return true;
    return strcmp(name, COLUMN_ROW) == 0;
}

/* The number of roles and cells that a preset takes from the columns; 0 where one is not there. */
static int count_taken(const Mapping *preset, const ColumnUses *columns)
{
    int taken = 0;
    if (preset->columns || !preset->role[ROLE_USER][0] || !preset->role[ROLE_ITEM][0]) return 0;
    for (int r = 0; r < ROLES; r++) {
        if (!preset->role[r][0]) continue;
        if (!has_column(columns, &preset->list, preset->role[r])) return 0;
        taken++;
    }
    for (int c = 0; c < preset->cells; c++, taken++)
        if (!has_column(columns, &preset->list, preset->cell[c].column)) return 0;
    return taken;
}

/* Whether the preset is in use: its roles and its actions. */
static bool is_used(const Mapping *preset, const Mapping *m)
{
    if (preset->actions != m->actions) return false;
    for (int a = 0; a < m->actions; a++)
        if (strcmp(preset->action_name[a], m->action_name[a]) != 0) return false;
    for (int r = 0; r < ROLES; r++)
        if (strcmp(preset->role[r], m->role[r]) != 0) return false;
    return true;
}

const MapPreset *fit_preset(const ColumnUses *columns, const Mapping *m)
{
    const MapPreset *preset, *best = NULL;
    int most = 0;
    Mapping *one = malloc(sizeof *one);
    for (int i = 0; one && (preset = map_file_preset(i)); i++) {
        map_init(one);
        if (map_file_read_preset(one, preset->name) == OK) {
            const int taken = count_taken(one, columns);
            if (taken > most) {
                best = is_used(one, m) ? NULL : preset;
                most = taken;
            }
        }
        map_close(one);
    }
    free(one);
    return best;
}
