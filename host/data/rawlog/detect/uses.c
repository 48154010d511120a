/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/detect/uses.h"

#include <stdio.h>
#include <string.h>

static const char *const role_name[ROLES] = {
    [ROLE_USER] = "user",     [ROLE_ITEM] = "item",
    [ROLE_ACTION] = "action", [ROLE_TIME] = "time",
    [ROLE_GAP] = "gap",       [ROLE_SESSION] = "session",
    [ROLE_END] = "end",       [ROLE_OFFSET] = "time_offset",
};
static const char *const owner_name[] = {
    [OWNER_ITEM] = "items", [OWNER_USER] = "users", [OWNER_EVENT] = "events"};

static void append(char *out, size_t size, const char *owner, const char *name)
{
    const size_t used = strlen(out);
    snprintf(out + used, size - used, "%s%s%s%s", used ? ", " : "", owner, *owner ? "." : "", name);
}

/* All that the mapping takes from a column, into `out`. */
static void list_uses(const Mapping *m, const char *column, char *out, size_t size)
{
    *out = '\0';
    for (int r = 0; r < ROLES; r++)
        if (*column && strcmp(m->role[r], column) == 0) append(out, size, "", role_name[r]);
    for (int k = 0; k < m->list.columns; k++)
        if (strcmp(m->list.column[k], column) == 0 || strcmp(m->list.then[k], column) == 0)
            append(out, size, "", "list");
    if (*column && strcmp(m->taken, column) == 0) append(out, size, "", "taken");
    for (int c = 0; c < m->cells; c++) {
        if (strcmp(m->cell[c].column, column) != 0) continue;
        if (c == m->reward_cell) append(out, size, "", "reward");
        if (c == m->propensity_cell) append(out, size, "", "propensity");
        for (int f = 0; f < m->features; f++)
            if (m->feature[f].cell == c)
                append(out, size, owner_name[m->feature[f].owner], m->feature[f].name);
    }
}

static ColumnUse *add_column(ColumnUses *uses, Text name)
{
    if (uses->count == LOG_COLUMNS_MAX) return NULL;
    ColumnUse *use = &uses->column[uses->count++];
    *use = (ColumnUse){0};
    snprintf(use->name, sizeof use->name, "%.*s", (int)name.length, name.at);
    return use;
}

void uses_begin(ColumnUses *uses, const Mapping *m, const LogColumns *columns)
{
    uses->count = 0;
    for (int i = 0; i < columns->count; i++) {
        ColumnUse *use = add_column(uses, columns->name[i]);
        list_uses(m, use->name, use->use, sizeof use->use);
        use->is_mapped = use->use[0] != '\0';
    }
}

void uses_finish(ColumnUses *uses, const Mapping *m)
{
    for (int i = 0; i < uses->count; i++) {
        ColumnUse *use = &uses->column[i];
        list_uses(m, use->name, use->use, sizeof use->use);
        use->detected = use->use[0] && !use->is_mapped;
    }
}

void uses_add(ColumnUses *uses, const LogColumns *columns)
{
    for (int i = 0; i < columns->count; i++) {
        int u = 0;
        while (u < uses->count && !text_equal(text_of(uses->column[u].name), columns->name[i])) u++;
        if (u == uses->count) add_column(uses, columns->name[i]);
    }
}

void uses_describe(const ColumnUses *uses, char *out, size_t size)
{
    size_t used = 0;
    *out = '\0';
    for (int i = 0; i < uses->count && used < size; i++)
        if (uses->column[i].detected)
            used += (size_t)snprintf(out + used, size - used, "%s%s=%s",
                                     used ? " " : "detected columns: ", uses->column[i].use,
                                     uses->column[i].name);
    bool first = true;
    for (int i = 0; i < uses->count && used < size; i++) {
        if (uses->column[i].use[0]) continue;
        used += (size_t)snprintf(out + used, size - used, "%s%s",
                                 !first ? ", "
                                 : used ? "; not used: "
                                        : "columns not used: ",
                                 uses->column[i].name[0] ? uses->column[i].name : "(no name)");
        first = false;
    }
}
