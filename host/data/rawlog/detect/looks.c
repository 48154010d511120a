/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/detect/looks.h"

#include <math.h>

#include "data/rawlog/detect/actions.h"

enum { FEW = 12 };

static const char *const name[] = {
    [LOOKS_EMPTY] = "is empty",
    [LOOKS_TIME] = "looks like a time",
    [LOOKS_ACTION] = "looks like an action",
    [LOOKS_RATING] = "looks like a rating or a code",
    [LOOKS_WHOLE] = "looks like whole numbers, as of users or items",
    [LOOKS_NUMBER] = "looks like numbers",
    [LOOKS_TEXT] = "looks like texts",
};
const char *looks_name(Looks looks) { return name[looks]; }

typedef struct {
    int values, times, numbers, whole, ratings, actions;
    Text seen[FEW]; /* different values */
    int different;  /* FEW + 1: more than that */
} Found;

static void add_different(Found *f, Text value)
{
    for (int i = 0; i < f->different && i < FEW; i++)
        if (text_equal(f->seen[i], value)) return;
    if (f->different < FEW) f->seen[f->different] = value;
    if (f->different <= FEW) f->different++;
}

static void add_value(Found *f, Text value)
{
    double number;
    f->values++;
    f->times += text_plausible_unit(value) != TIME_AUTO;
    f->actions += actions_known(value);
    if (text_number(value, &number)) {
        f->numbers++;
        f->whole += number == floor(number);
        f->ratings += number >= 0.0 && number <= 100.0;
    }
    add_different(f, value);
}

Looks looks_of(const LogSample *sample, int column)
{
    Found f = {0};
    for (int r = 0; r < sample->rows; r++) {
        const Text value = sample_value(sample, r, column);
        if (value.length) add_value(&f, value);
    }
    if (f.values == 0) return LOOKS_EMPTY;
    if (f.times == f.values) return LOOKS_TIME;
    if (f.actions && f.different <= FEW) return LOOKS_ACTION;
    if (f.numbers < f.values) return LOOKS_TEXT;
    if (f.ratings == f.values && f.different <= FEW) return LOOKS_RATING;
    return f.whole == f.values ? LOOKS_WHOLE : LOOKS_NUMBER;
}
