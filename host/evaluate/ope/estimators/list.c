/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ope/estimators/list.h"

#include "base/help.h"
#include "evaluate/ope/estimators/doubly.h"
#include "evaluate/ope/estimators/sequential.h"
#include "evaluate/ope/estimators/weighting.h"

const OpeEstimator *const estimators_list[ESTIMATORS] = {
    &sequential_logged, &weighting_ips,  &weighting_clipped_ips, &weighting_snips,
    &doubly_dm,         &doubly_dr,      &doubly_sn_dr,          &doubly_switch_dr,
    &doubly_dros,       &sequential_tis, &sequential_pdis,       &sequential_sn_tis,
    &sequential_dr,     &sequential_fqe,
};

void estimators_list_help(FILE *out)
{
    for (int k = 0; k < ESTIMATORS; k++)
        help_row(out, 16, estimators_list[k]->name, estimators_list[k]->help);
}
