/* SPDX-License-Identifier: Apache-2.0 */
/* A description of a device, for reports. */
#ifndef SOUK_DEVICE_INFO_H
#define SOUK_DEVICE_INFO_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Fill `info`, whose fields base/device/types.h explains. */
void device_info(Device *dev, DeviceInfo *info);

#ifdef __cplusplus
}
#endif
#endif
