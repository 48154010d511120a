/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the ops of the catalogue head. */
#ifndef SOUK_MEASURE_OPS_CATALOGUE_H
#define SOUK_MEASURE_OPS_CATALOGUE_H

#include "measure/measure.h"

Status measure_ops_catalogue(Bench *b);

#endif
