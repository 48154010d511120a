/* SPDX-License-Identifier: Apache-2.0 */
/* Importance weighting of a bandit log; estimator.h has the formulas. */
#ifndef SOUK_OPE_WEIGHTING_H
#define SOUK_OPE_WEIGHTING_H

#include "evaluate/ope/estimators/estimator.h"

extern const OpeEstimator weighting_ips, weighting_clipped_ips, weighting_snips;

#endif
