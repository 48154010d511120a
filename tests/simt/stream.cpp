/* SPDX-License-Identifier: Apache-2.0 */
/* Streams, events and graphs. The work of a stream runs late: when the host waits for this stream,
 * or for another stream that waits for this one. So a copy that nothing joins never happens, and a
 * copy from a buffer that the host fills again too early copies the new contents. The seed says how
 * late: with 0 all work runs at once, with 1 as late as allowed; with others each stream runs some
 * of its work early, as often as the seed says.
 *
 * A capture is a list of such work. A graph runs the list again, with the arguments of the capture.
 */
#include "internal.h"

#include <chrono>
#include <deque>

namespace simt
{

/* A task; or, where it is empty, a wait until `stream` has done its first `until` tasks. */
struct Item {
    Task task;
    SimtStream *stream;
    uint64_t until;
};

} // namespace simt

using namespace simt;

struct SimtStream {
    std::deque<Item> queue;
    uint64_t given, done;
    uint32_t early;     /* in how many of 256 cases some work runs early when work is given */
    SimtGraph *capture; /* where work is recorded; NULL: it is queued */
    bool broken;        /* the capture has failed */
};
/* A place in a stream, and the time at which the stream reached it. */
struct SimtEvent {
    SimtStream *stream;
    uint64_t position;
    bool timed;
    std::chrono::steady_clock::time_point time;
};
struct SimtGraph {
    std::vector<Task> tasks;
};
struct SimtGraphExec {
    std::vector<Task> tasks;
};

namespace simt
{

static std::vector<SimtStream *> &streams = *new std::vector<SimtStream *>; /* never destroyed */

static void run_until(SimtStream *stream, uint64_t position)
{
    while (stream->done < position) {
        const Item item = std::move(stream->queue.front());
        stream->queue.pop_front();
        if (item.task)
            item.task();
        else
            run_until(item.stream, item.until);
        stream->done++;
    }
}

static void run_some()
{
    for (SimtStream *stream : streams) {
        const uint64_t more = (random_bits() & 255) < stream->early ? random_bits() % 8 : 0;
        run_until(stream, stream->done + std::min<uint64_t>(more, stream->queue.size()));
    }
}

static void give(SimtStream *stream, Item item)
{
    stream->queue.push_back(std::move(item));
    stream->given++;
    if (order() == ASCENDING) run_until(stream, stream->given);
    if (order() == RANDOM) run_some();
}

void enqueue(cudaStream_t stream, Task task)
{
    if (!stream) fail("the default stream", "work must name its stream");
    if (stream->capture)
        stream->capture->tasks.push_back(std::move(task));
    else
        give(stream, {std::move(task), nullptr, 0});
}

void run_all()
{
    for (SimtStream *stream : streams) run_until(stream, stream->given);
}

bool capture_refuses()
{
    bool any = false;
    for (SimtStream *stream : streams)
        if (stream->capture) any = stream->broken = true;
    return any;
}

} // namespace simt

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned)
{
    static const uint32_t often[] = {0, 4, 32, 256};
    streams.push_back(*stream = new SimtStream{});
    if (order() == RANDOM) (*stream)->early = often[random_bits() & 3];
    return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    run_until(stream, stream->given); /* not deleted: events may still name it */
    return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    if (capture_refuses()) return cudaErrorStreamCaptureUnsupported;
    run_until(stream, stream->given);
    return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize(void)
{
    if (capture_refuses()) return cudaErrorStreamCaptureUnsupported;
    run_all();
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    *event = new SimtEvent{};
    (*event)->timed = !(flags & cudaEventDisableTiming);
    return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    delete event;
    return cudaSuccess;
}
/* Events between streams are not emulated in a capture: they make it fail. */
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    if (stream->capture && capture_refuses()) return cudaErrorStreamCaptureUnsupported;
    if (event->timed)
        give(stream, {[event] { event->time = std::chrono::steady_clock::now(); }, nullptr, 0});
    event->stream = stream;
    event->position = stream->given;
    return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned)
{
    if (stream->capture && capture_refuses()) return cudaErrorStreamCaptureUnsupported;
    if (event->stream) give(stream, {nullptr, event->stream, event->position});
    return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    if (capture_refuses()) return cudaErrorStreamCaptureUnsupported;
    if (event->stream) run_until(event->stream, event->position);
    return cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to)
{
    const bool passed = from->stream && to->stream && from->stream->done >= from->position &&
                        to->stream->done >= to->position;
    if (!from->timed || !to->timed || !passed) return cudaErrorInvalidValue;
    *milliseconds = std::chrono::duration<float, std::milli>(to->time - from->time).count();
    return cudaSuccess;
}

/* ---- Graphs ---------------------------------------------------------------------------------- */

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode)
{
    if (stream->capture) return cudaErrorStreamCaptureUnsupported;
    stream->capture = new SimtGraph;
    stream->broken = false;
    return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    if (!stream->capture) return cudaErrorInvalidValue;
    *graph = stream->capture;
    stream->capture = nullptr;
    if (!stream->broken) return cudaSuccess;
    delete *graph;
    *graph = nullptr;
    return cudaErrorStreamCaptureInvalidated;
}
cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *exec, cudaGraph_t graph,
                                          unsigned long long)
{
    *exec = new SimtGraphExec{graph->tasks};
    return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    delete graph;
    return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    enqueue(stream, [tasks = exec->tasks] {
        for (const Task &each : tasks) each();
    });
    return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    delete exec;
    return cudaSuccess;
}
}
