/* SPDX-License-Identifier: Apache-2.0 */
/* The settings that the size of a log decides, where they are "auto". A setting that the user gives
 * always wins, and the rules of the others follow it: optim.warmup is a share of the given
 * train.steps. The rules are functions of LogSize and of the other settings alone; in words they
 * are in the table of defaults.c, which `souk train --help` prints.
 *
 * Why they are as they are. A policy on a small log learns from few events an item: many small
 * steps and strong dropout help, width does not (Beauty, 153,776 train events: NDCG@10 is the same
 * with 64 and 128 numbers). A large log is read a few times, in large batches, by a wider model. A
 * log of a few thousand events has so few batches a pass that passes are no measure of training:
 * AdamW needs some hundred steps after its warm-up. The cosine of the learning rate ends at the
 * last of train.steps; a run whose validation stops improving before anneals from its best one
 * (loop.h), so train.steps is a length that a run may reach, and the patience is a quarter of it.
 */
#ifndef SOUK_DEFAULTS_H
#define SOUK_DEFAULTS_H

#include <jansson.h>
#include <stdio.h>

#include "base/config.h"
#include "data/behaviour/behaviour.h"

/* What the rules look at. */
typedef struct {
    int64_t events, users, items; /* events: of the train split */
    int64_t valid_users;          /* users with an event in the validation split */
    int64_t valid_read;           /* events that a validation of all of them reads, about */
    int64_t batches;              /* of an epoch; 0: not counted, as train.epochs is auto */
} LogSize;

enum { DEFAULTS_MAX = 9 };

/* The settings that were chosen, with their reasons, for people. */
typedef struct {
    int count;
    struct {
        const char *key;
        char value[32], reason[128];
    } row[DEFAULTS_MAX];
} Chosen;

/* Choose the settings of *c that are auto. All but train.epochs have numbers afterwards. */
void defaults_choose(Chosen *chosen, Config *c, const LogSize *size);
/* The same for the log in `b`. */
Status defaults_of_log(Chosen *chosen, Config *c, const Behaviour *b);
/* The same where there is no log to choose by, in a world that makes its log and on synthetic
 * histories: fixed numbers. Settings that a training on a log alone has stay auto. */
void defaults_without_log(Config *c);

/* "  model.dim=64 ... up to 1,000,000 train events", a line for each; "" where none was chosen.
 * Into `text`, which is returned. */
enum { DEFAULTS_TEXT_MAX = 1536 };
const char *defaults_text(char text[DEFAULTS_TEXT_MAX], const Chosen *chosen);
/* {"model.dim": {"value": "64", "reason": "…"}, …} */
json_t *defaults_json(const Chosen *chosen);
/* The rules in words, as a section of a help text. */
void defaults_help(FILE *out);

#endif
