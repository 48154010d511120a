#include "data/rawlog/formats.h"

#include "data/rawlog/format/csv.h"
#include "data/rawlog/format/jsonl.h"
#include "data/rawlog/format/sequence.h"

const Format *const formats_all[FORMATS] = {&csv_format, &jsonl_format, &sequence_format,
                                            &sequence_sessions_format};

const Format *formats_of_text(const char *at, size_t length)
{
    for (int f = 0; f < FORMATS; f++)
        if (formats_all[f]->begins && formats_all[f]->begins(at, length)) return formats_all[f];
    return &csv_format;
}
