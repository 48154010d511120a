/* SPDX-License-Identifier: Apache-2.0 */
/* A policy of the user's own, of which only its probabilities are known: a text file with one
 * number on each line, line i (from 0) for row i of /events: the probability, 0 to 1, with which
 * the policy would have shown the item of this event in the situation before it. A line that is
 * empty or `nan` is for an event that is no decision of the policy. Such a policy has no
 * distribution over the other items, so it has the estimators without a reward model.
 *
 * Memory: 8 bytes per event.
 */
#ifndef SOUK_OPE_POLICY_FILE_H
#define SOUK_OPE_POLICY_FILE_H

#include "evaluate/ope/policy.h"

typedef struct {
    const char *path;
    double *probability; /* [events] NaN: none */
} OpeFilePolicy;

/* ERR_FORMAT, naming the line, for what is no probability or where lines and events differ in
 * number. `path` must outlive the policy. */
Status ope_policy_file_read(OpeFilePolicy *p, const Behaviour *file, const char *path);
void ope_policy_file_close(OpeFilePolicy *p); /* safe on {0} */

/* Its answer fails where a decision of the log has no probability. */
OpePolicy ope_policy_file(const OpeFilePolicy *p);

#endif
