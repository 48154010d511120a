/* The checks of a behaviour file's contents, so that nothing downstream checks again. Each failure is
 * one line: file, dataset, index, value, what was expected. */
#ifndef SOUK_BEHAVIOUR_CHECK_H
#define SOUK_BEHAVIOUR_CHECK_H

#include "data/behaviour/behaviour.h"

Status behaviour_check_categories(const char *path, const char *name, const int32_t *row,
                                  int64_t count, int32_t rows);
Status behaviour_check_finite(const char *path, const char *name, const float *value,
                              int64_t count);

/* Offsets, splits, and a scan of every event column, on all threads; of several faults the one with the
 * lowest index is told. */
Status behaviour_check_contents(const Behaviour *b);

#endif
