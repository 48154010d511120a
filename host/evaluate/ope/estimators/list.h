/* SPDX-License-Identifier: Apache-2.0 */
/* The list of all estimators, in the order of the report. */
#ifndef SOUK_OPE_ESTIMATORS_LIST_H
#define SOUK_OPE_ESTIMATORS_LIST_H

#include <stdio.h>

#include "evaluate/ope/estimators/estimator.h"

enum { ESTIMATORS = 14 };
extern const OpeEstimator *const estimators_list[ESTIMATORS];

/* Prints the name of each estimator and what it does. */
void estimators_list_help(FILE *out);

#endif
