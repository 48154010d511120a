/* SPDX-License-Identifier: Apache-2.0 */
#include "data/stream/context.h"

#include <inttypes.h>

#include "base/status.h"

static Context trained(int64_t length, int64_t start, int64_t end, int64_t event)
{
    /* A window's last event is the first one of the next window, so that last events are length-1
     * rows apart, the last of all being end-1. */
    const int64_t last = end - 1 - (end - 1 - event) / (length - 1) * (length - 1);
    const int64_t first = last + 1 - length;
    return (Context){first > start ? first : start, last};
}

static Context evaluated(int64_t length, int64_t start, int64_t event)
{
    const int64_t first = event - start <= length ? start : event - (length + 1) / 2;
    return (Context){first, first + length};
}

static Context latest(int64_t length, int64_t start, int64_t event)
{
    return (Context){event - start > length ? event - length : start, event};
}

Context context_window(ContextMode mode, int64_t length, int64_t start, int64_t end, int64_t event)
{
    REQUIRE(start < event && event <= end && length >= (mode == CONTEXT_TRAINED ? 2 : 1),
            "the state before event %" PRId64 " of [%" PRId64 ", %" PRId64 "), length %" PRId64,
            event, start, end, length);
    switch (mode) {
    case CONTEXT_TRAINED: return trained(length, start, end, event);
    case CONTEXT_EVALUATED: return evaluated(length, start, event);
    case CONTEXT_ACTED:
    case CONTEXT_RECOMMENDED: break;
    }
    return latest(length, start, event);
}
