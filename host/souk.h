/* souk as a library: link with `pkg-config souk` (with --static for libsouk.a).
 *
 * Every name here begins with souk_ or SOUK_, and nothing else leaves either library.
 *
 * Versions follow semver.org. While MAJOR is 0, a new MINOR may change what programs are compiled
 * against, and a new PATCH may not; from 1.0 on only a new MAJOR may. The name that the shared
 * library is loaded by (its SONAME) has the numbers that must agree: libsouk.so.0.2 for all of
 * 0.2.x, libsouk.so.1 for all of 1.x.
 */
#ifndef SOUK_H
#define SOUK_H

/* The version of this header. The build takes its version from here. */
#define SOUK_VERSION_MAJOR 0
#define SOUK_VERSION_MINOR 2
#define SOUK_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* "MAJOR.MINOR.PATCH" of the library that runs, a constant. */
const char *souk_version(void);

#ifdef __cplusplus
}
#endif
#endif
