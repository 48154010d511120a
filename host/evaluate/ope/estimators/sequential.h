/* SPDX-License-Identifier: Apache-2.0 */
/* Estimators of a sequential log, and what the log itself earned; estimator.h has the formulas. */
#ifndef SOUK_OPE_SEQUENTIAL_H
#define SOUK_OPE_SEQUENTIAL_H

#include "evaluate/ope/estimators/estimator.h"

extern const OpeEstimator sequential_logged, sequential_tis, sequential_pdis, sequential_sn_tis,
    sequential_dr, sequential_fqe;

#endif
