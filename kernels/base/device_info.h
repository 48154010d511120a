/* What a device is, for reports. */
#ifndef SOUK_DEVICE_INFO_H
#define SOUK_DEVICE_INFO_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    char processor[256]; /* of the host */
    char name[256];      /* of the GPU, or the processor's */
    char driver[64];     /* of the GPU, with the CUDA version that it supports; "" on the CPU */
    int units;           /* multiprocessors of the GPU; threads of the CPU */
    int capability;      /* of the GPU, 90 for sm_90; 0 on the CPU */
    size_t cache;        /* bytes of the last level */
    size_t memory;       /* bytes, used and free */
} DeviceInfo;
void device_info(Device *dev, DeviceInfo *info);

#ifdef __cplusplus
}
#endif
#endif
