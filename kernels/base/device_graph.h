/* Ops that are recorded once and run again in one call (a CUDA graph), with the arguments and on the
 * memory that they were recorded with: what changes from run to run must be in that memory.
 *
 * Between begin and end ops are not run, and nothing may allocate or wait. So record what has run
 * before, when device_graph_possible says that its scratch will not move. Where recording or running
 * fails, the device fails.
 */
#ifndef SOUK_DEVICE_GRAPH_H
#define SOUK_DEVICE_GRAPH_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct DeviceGraph DeviceGraph;

/* False on the CPU, which has no graphs, and while the scratch of a step may still move. */
bool device_graph_possible(const Device *dev);
void device_graph_begin(Device *dev);
DeviceGraph *device_graph_end(Device *dev); /* NULL: recording failed */
/* True while the scratch that it was recorded with is still there. Otherwise it must not run. */
bool device_graph_holds(const Device *dev, const DeviceGraph *graph);
void device_graph_run(Device *dev, DeviceGraph *graph);
void device_graph_close(Device *dev, DeviceGraph *graph); /* NULL: does nothing */

#ifdef __cplusplus
}
#endif
#endif
