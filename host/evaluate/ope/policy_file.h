/* SPDX-License-Identifier: Apache-2.0 */
/* A policy that souk does not know. Its user gives a text file with one number on each line: line
 * i (from 0) says with which probability, 0 to 1, the policy would have shown the item of row i of
 * /events in the situation before this event. An empty line, or `nan`, says that the policy does
 * not decide this event. The file says nothing about the other items, so only the estimators
 * without a reward model are possible.
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
