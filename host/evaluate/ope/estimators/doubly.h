/* SPDX-License-Identifier: Apache-2.0 */
/* Estimators of a bandit log with a reward model, most of them doubly robust; estimator.h has the
 * formulas. */
#ifndef SOUK_OPE_DOUBLY_H
#define SOUK_OPE_DOUBLY_H

#include "evaluate/ope/estimators/estimator.h"

extern const OpeEstimator doubly_dm, doubly_dr, doubly_sn_dr, doubly_switch_dr, doubly_dros;

#endif
