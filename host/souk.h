/* souk as a library: link with `pkg-config souk` (with --static for libsouk.a).
 *
 *     #include <souk.h>
 *     int main(int argc, char **argv) { return souk_run(argc, argv); }
 *
 * The names here are all that libsouk promises; every one begins with souk_.
 */
#ifndef SOUK_H
#define SOUK_H

#ifdef __cplusplus
extern "C" {
#endif

/* "MAJOR.MINOR.PATCH" of the library, a constant. */
const char *souk_version(void);

/* Do what the program `souk` does, in this process: argv[0] is ignored, argv[1] names the command,
 * the rest is its arguments; argv[argc] is NULL. Prints where the program prints.
 * Returns the program's exit code: 0 done, 1 failed (one line on standard error says why), 2 wrong
 * usage. Not to be called from two threads at once. */
int souk_run(int argc, char **argv);

#ifdef __cplusplus
}
#endif
#endif
