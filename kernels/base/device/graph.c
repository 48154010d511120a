/* SPDX-License-Identifier: Apache-2.0 */
#include "base/device/graph.h"

#include <stdlib.h>

#include "base/cuda/device.h"
#include "base/scratch.h"

struct DeviceGraph {
    void *executable;
    int64_t bottoms; /* of the scratch */
};

bool device_graph_possible(const Device *dev) { return ON_CUDA(dev) && scratch_stays(dev); }

void device_graph_begin(Device *dev)
{
    REQUIRE(device_graph_possible(dev) && !dev->recording,
            "a graph is begun on a device that records one already, or whose scratch may move");
    dev->recording = true;
    if (ON_CUDA(dev)) device_graph_begin_cuda(dev);
}

DeviceGraph *device_graph_end(Device *dev)
{
    REQUIRE(dev->recording, "a graph is ended that was not begun");
    dev->recording = false;
    void *executable = ON_CUDA(dev) ? device_graph_end_cuda(dev) : NULL;
    if (!executable) return NULL;
    DeviceGraph *graph = malloc(sizeof *graph);
    if (graph) {
        *graph = (DeviceGraph){executable, dev->scratch.bottoms};
    } else {
        if (ON_CUDA(dev)) device_graph_close_cuda(executable);
        device_fail(dev, FAIL(ERR_MEMORY, "no memory for a graph"));
    }
    return graph;
}

bool device_graph_holds(const Device *dev, const DeviceGraph *graph)
{
    return graph->bottoms == dev->scratch.bottoms;
}

void device_graph_run(Device *dev, DeviceGraph *graph)
{
    REQUIRE(device_graph_holds(dev, graph), "a graph is run whose scratch is gone");
    if (ON_CUDA(dev)) device_graph_run_cuda(dev, graph->executable);
}

void device_graph_close(Device *dev, DeviceGraph *graph)
{
    if (ON_CUDA(dev) && graph) device_graph_close_cuda(graph->executable);
    free(graph);
}
