/* SPDX-License-Identifier: Apache-2.0 */
/* An ablation on the screen, as JSON, and as a plot. */
#ifndef SOUK_ABLATION_REPORT_H
#define SOUK_ABLATION_REPORT_H

#include <stdio.h>

#include "train/ablation/table.h"

/* Prints at most 100 columns: by group the arms, and a sentence for each agent and each arm before
 * it. */
void ablation_report_print(FILE *out, const AblationTable *table);

/* Writes ablation.json, ablation.dat and ablation.gp into the folder train.out and, where gnuplot
 * is installed, the plot ablation.svg. */
Status ablation_report_write(const AblationTable *table);

#endif
