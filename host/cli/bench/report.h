/* SPDX-License-Identifier: Apache-2.0 */
/* What `souk bench` says: tables for people, JSON for programs, and one report beside another. */
#ifndef SOUK_CLI_BENCH_REPORT_H
#define SOUK_CLI_BENCH_REPORT_H

#include "base/device.h"
#include "base/report.h"
#include "measure/bench.h"
#include "measure/steps.h"

#define BENCH_SCHEMA "souk-bench-2"

/* Rows with their floors, then for each op what its time above the floor is lost to. */
void bench_report_print_ops(const BenchReport *r);
/* `ceiling`: the rate in FLOP/s of the product that a step is held against. */
void bench_report_print_steps(const BenchStep *s, double ceiling);

/* The whole reports; the caller frees them. */
json_t *bench_report_ops_json(const BenchReport *r, Device *dev);
json_t *bench_report_steps_json(const BenchStep *s, double ceiling, const Config *config,
                                Device *dev);

#endif
