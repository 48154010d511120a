/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/formats.h"

#include "data/rawlog/format/csv.h"
#include "data/rawlog/format/jsonl.h"
#include "data/rawlog/format/sequence.h"

static const Format *const formats[] = {
    &csv_format,
    &jsonl_format,
    &sequence_format,
    &sequence_sessions_format,
    &sequence_baskets_format,
    NULL,
};

const Format *formats_at(int index) { return formats[index]; }

const Format *formats_of_text(const char *at, size_t length)
{
    for (int f = 0; formats[f]; f++)
        if (formats[f]->begins && formats[f]->begins(at, length)) return formats[f];
    return &csv_format;
}
