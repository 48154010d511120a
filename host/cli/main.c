/* The program `souk`: the library does everything. */
#include "souk.h"

int main(int argc, char **argv) { return souk_run(argc, argv); }
