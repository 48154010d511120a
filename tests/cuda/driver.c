/* SPDX-License-Identifier: Apache-2.0 */
/* A stand-in for NVIDIA's driver library: the functions that cuDNN calls while it builds a plan for
 * a GPU that is not in this machine. Loading a kernel succeeds and records the GPU that its code is
 * for; every other call fails. */
#include <stdint.h>
#include <string.h>

enum { SUCCESS = 0, STUB_LIBRARY = 34, ELF_FLAGS = 48 };

int standin_capability; /* of the code loaded last: 90 for sm_90 */

int cuLibraryLoadData(void **library, const void *code);
int cuLibraryLoadData(void **library, const void *code)
{
    uint32_t flags;
    memcpy(&flags, (const char *)code + ELF_FLAGS, sizeof flags);
    standin_capability = (int)(flags >> 8 & 0xFF);
    *library = &standin_capability;
    return SUCCESS;
}

int cuLibraryGetKernel(void **kernel, void *library, const char *name);
int cuLibraryGetKernel(void **kernel, void *library, const char *name)
{
    *kernel = library;
    return name[0] ? SUCCESS : STUB_LIBRARY;
}

int cuLibraryUnload(void);
int cuLibraryUnload(void) { return SUCCESS; }

#define REFUSES(name)                                                                              \
    int name(void);                                                                                \
    int name(void) { return STUB_LIBRARY; }
REFUSES(cuCtxGetCurrent)
REFUSES(cuCtxGetLimit)
REFUSES(cuCtxPopCurrent)
REFUSES(cuCtxPushCurrent)
REFUSES(cuDeviceGet)
REFUSES(cuDeviceGetCount)
REFUSES(cuDriverGetVersion)
REFUSES(cuGetErrorName)
REFUSES(cuGetErrorString)
REFUSES(cuKernelGetAttribute)
REFUSES(cuKernelSetAttribute)
REFUSES(cuLaunchCooperativeKernel)
REFUSES(cuLaunchKernel)
REFUSES(cuLaunchKernelEx)
REFUSES(cuLibraryLoadFromFile)
REFUSES(cuLinkAddData)
REFUSES(cuLinkComplete)
REFUSES(cuLinkCreate)
REFUSES(cuLinkDestroy)
REFUSES(cuOccupancyMaxPotentialClusterSize)
REFUSES(cuStreamGetCtx)
