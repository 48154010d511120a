/* Of a device: its clock, and what it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cuda/device.h"

/* ---- The clock ------------------------------------------------------------------------------------ */

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
    REQUIRE(i >= 0 && i < clock->marks, "mark %d of %d", i, clock->marks);
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

/* ---- What it is ----------------------------------------------------------------------------------- */

/* The processor's name, as it says itself. */
static void find_processor(char *name, size_t size)
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "r");
    snprintf(name, size, "unknown");
    while (f && fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon || colon[1] != ' ') continue;
        snprintf(name, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (f) fclose(f);
}

/* Of the first processor's third level, which its neighbours share; 32 MiB where Linux does not say. */
static size_t find_cache(void)
{
    unsigned long kib = 0;
    FILE *f = fopen("/sys/devices/system/cpu/cpu0/cache/index3/size", "r");
    if (!f || fscanf(f, "%luK", &kib) != 1) kib = 32 << 10;
    if (f) fclose(f);
    return (size_t)kib << 10;
}

void device_info(Device *dev, DeviceInfo *info)
{
    *info = (DeviceInfo){.units = dev->threads};
    find_processor(info->processor, sizeof info->processor);
    if (ON_CUDA(dev)) {
        device_info_cuda(dev, info);
        return;
    }
    memcpy(info->name, info->processor, sizeof info->name);
    info->cache = find_cache();
    info->memory = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
}
