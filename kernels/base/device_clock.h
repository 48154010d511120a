/* A clock: marks in the work of a device, and the time between them. On CUDA it is the GPU's own
 * time, so the host may run ahead; on the CPU, where work is done when it is enqueued, the
 * machine's. */
#ifndef SOUK_DEVICE_CLOCK_H
#define SOUK_DEVICE_CLOCK_H

#include "base/device.h"

typedef struct DeviceClock DeviceClock;

Status device_clock_open(Device *dev, int marks, DeviceClock **clock);
void device_clock_close(Device *dev, DeviceClock *clock); /* NULL: does nothing */
/* Set mark i, below `marks`, behind the ops so far. */
void device_clock_mark(Device *dev, DeviceClock *clock, int i);
/* Seconds from mark `from` to mark `to`, which it waits for; 0 on a device that has failed. */
double device_clock_seconds(Device *dev, DeviceClock *clock, int from, int to);

#endif
