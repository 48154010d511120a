/* The formats of raw logs. */
#ifndef SOUK_RAWLOG_FORMATS_H
#define SOUK_RAWLOG_FORMATS_H

#include "data/rawlog/format/format.h"

enum { FORMATS = 4 };
extern const Format *const formats_all[FORMATS];

/* The format of a log that begins with this text; CSV where it looks like no other. */
const Format *formats_of_text(const char *at, size_t length);

#endif
