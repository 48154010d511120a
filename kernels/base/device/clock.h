/* SPDX-License-Identifier: Apache-2.0 */
/* A clock: marks between the ops of a device, and the time from one mark to another. On CUDA the
 * GPU takes the time when it reaches a mark, so the host may enqueue ahead. On the CPU ops have run
 * when the call returns, so the host takes the time. */
#ifndef SOUK_DEVICE_CLOCK_H
#define SOUK_DEVICE_CLOCK_H

#include "base/device.h"

typedef struct DeviceClock DeviceClock;

Status device_clock_open(Device *dev, int marks, DeviceClock **clock);
void device_clock_close(Device *dev, DeviceClock *clock); /* NULL: does nothing */
/* Set mark i, 0 .. marks-1, behind the ops enqueued so far. */
void device_clock_mark(Device *dev, DeviceClock *clock, int i);
/* Seconds from mark `from` to mark `to`; waits for `to`. 0 on a device that has failed. */
double device_clock_seconds(Device *dev, DeviceClock *clock, int from, int to);

#endif
