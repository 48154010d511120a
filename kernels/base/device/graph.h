/* SPDX-License-Identifier: Apache-2.0 */
/* A graph: ops that are recorded once and run again by one call (a CUDA graph). It keeps the
 * arguments and the addresses that the ops were recorded with, so everything that changes from run
 * to run must be in device memory.
 *
 * Between device_graph_begin and device_graph_end ops are recorded and not run, and nothing may
 * allocate or wait. So run the ops once before they are recorded, and ask device_graph_possible
 * whether their scratch will keep its addresses. Where recording or running fails, the device
 * fails.
 */
#ifndef SOUK_DEVICE_GRAPH_H
#define SOUK_DEVICE_GRAPH_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct DeviceGraph DeviceGraph;

/* False on the CPU, which has no graphs, and while the next allocation may move the scratch. */
bool device_graph_possible(const Device *dev);
void device_graph_begin(Device *dev);
DeviceGraph *device_graph_end(Device *dev); /* NULL: recording failed, and so did the device */
/* True while the scratch that the graph was recorded with has not moved. Otherwise the graph must
 * not run. */
bool device_graph_holds(const Device *dev, const DeviceGraph *graph);
void device_graph_run(Device *dev, DeviceGraph *graph);
void device_graph_close(Device *dev, DeviceGraph *graph); /* NULL: does nothing */

#ifdef __cplusplus
}
#endif
#endif
