/* SPDX-License-Identifier: Apache-2.0 */
#include "base/device/clock.h"

#include <stdlib.h>
#include <time.h>

#include "base/cuda/device.h"

typedef union {
    void *event;    /* CUDA */
    double seconds; /* CPU */
} Mark;
struct DeviceClock {
    int marks;
    Mark mark[];
};

Status device_clock_open(Device *dev, int marks, DeviceClock **clock)
{
    DeviceClock *c = *clock = calloc(1, sizeof *c + (size_t)marks * sizeof *c->mark);
    if (!c) return FAIL(ERR_MEMORY, "no memory for a clock of %d marks", marks);
    c->marks = marks;
    for (int i = 0; i < marks && ON_CUDA(dev); i++) c->mark[i].event = device_mark_open_cuda(dev);
    return dev->status;
}

void device_clock_close(Device *dev, DeviceClock *clock)
{
    for (int i = 0; clock && i < clock->marks && ON_CUDA(dev); i++)
        if (clock->mark[i].event) device_event_close_cuda(clock->mark[i].event);
    free(clock);
}

void device_clock_mark(Device *dev, DeviceClock *clock, int i)
{
    struct timespec now;
    REQUIRE(i >= 0 && i < clock->marks, "mark %d of a clock, want 0 to %d", i, clock->marks - 1);
    if (ON_CUDA(dev)) {
        device_event_mark_cuda(dev, clock->mark[i].event, dev->cuda->compute);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    clock->mark[i].seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double device_clock_seconds(Device *dev, DeviceClock *clock, int from, int to)
{
    if (ON_CUDA(dev))
        return 1e-3 * (double)device_milliseconds_cuda(dev, clock->mark[from].event,
                                                       clock->mark[to].event);
    return clock->mark[to].seconds - clock->mark[from].seconds;
}
