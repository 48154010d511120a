# SPDX-License-Identifier: Apache-2.0
# Writes SOUK_COMMIT, "" where there is no git, into OUT, when it has changed: cmake -DSOURCE=DIR -DOUT=FILE -P.
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=40 --exclude=*
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
file(CONFIGURE OUTPUT ${OUT} CONTENT "#define SOUK_COMMIT \"${commit}\"\n")
