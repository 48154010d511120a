/* SPDX-License-Identifier: Apache-2.0 */
/* The program `souk`: the library does everything, but for the server. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"

/* OpenMP threads spin for milliseconds at the end of each parallel loop, which costs a time slice
 * each on a machine with other work. The OpenMP runtime reads its settings before main(), so
 * waiting without spinning, unless the user chose otherwise, takes one more exec. */
static void wait_without_spinning(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT")) return;
    if (setenv("OMP_WAIT_POLICY", "passive", 1) == 0) execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
    wait_without_spinning(argv);
    return cli_run(&cli_serve, argc, argv);
}
