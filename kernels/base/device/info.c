/* SPDX-License-Identifier: Apache-2.0 */
#include "base/device/info.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cuda/device.h"

/* The processor's name, as Linux reports it. */
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

/* The size of the first processor's third level, which its neighbours share; 32 MiB where Linux
 * does not say. */
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
