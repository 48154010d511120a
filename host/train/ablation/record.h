/* SPDX-License-Identifier: Apache-2.0 */
/* arm.json: what an arm was trained with under one seed, and whether its training is complete. */
#ifndef SOUK_ABLATION_RECORD_H
#define SOUK_ABLATION_RECORD_H

#include "base/config.h"
#include "data/behaviour/behaviour.h"
#include "world/play.h"

typedef struct {
    bool complete; /* false: the training has only begun */
    int64_t steps;
    double seconds;      /* of the training, since it was last started */
    PlayInterval greedy; /* in a world: the return of the greedy policy */
    double optimum;      /* NaN where it is not known */
} AblationRecord;

/* Reads the record in the folder train.out; *there tells whether there is one. Fails where it was
 * made with other settings or from another file. Settings of place and pace may differ, but not
 * train.seconds. `file` is NULL in a world. */
Status ablation_record_read(AblationRecord *r, bool *there, const Config *c, const Behaviour *file);
Status ablation_record_write(const AblationRecord *r, const Config *c, const Behaviour *file);

#endif
