# SPDX-License-Identifier: Apache-2.0
"""The extension module souk._souk, made by cffi from the installed souk.h, which is the only
description of the C functions here: their declarations are taken from it as they are, and the C
compiler compares them with the header."""

import pathlib
import re
import shlex
import subprocess

import cffi


def pkg_config(*arguments):
    return subprocess.check_output(["pkg-config", *arguments, "souk"], text=True).strip()


def declarations(header):
    """What cffi can read of a header in C: no comments, no preprocessor, nothing for C++."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    text = re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.S)
    text = text.replace("\\\n", " ")
    return re.sub(r"^\s*#.*$", "", text, flags=re.M)


def initial_values(header):
    """The structs that have a ..._INIT value, as pairs of struct and macro."""
    return [
        ("souk_" + name.lower(), f"SOUK_{name}_INIT")
        for name in re.findall(r"#define SOUK_(\w+)_INIT\b", header)
    ]


header = pathlib.Path(pkg_config("--variable=includedir"), "souk.h").read_text(encoding="utf-8")
ffi = cffi.FFI()
ffi.cdef(declarations(header))
source = "#include <souk.h>\n"
for struct, macro in initial_values(header):
    ffi.cdef(f"{struct} {struct}_init(void);")
    source += f"static {struct} {struct}_init(void) {{ {struct} value = {macro}; return value; }}\n"
# The callbacks of souk.h; `context` is a handle of cffi to the Python object that is called.
ffi.cdef("""
    extern "Python" int souk_python_progress(void *context, const souk_progress *progress);
    extern "Python" void souk_python_message(void *context, const char *text);
    extern "Python" void souk_python_report(void *context, const char *text);
    """)
libraries = shlex.split(pkg_config("--static", "--libs").replace("-lsouk", "-l:libsouk.a"))
ffi.set_source(
    "souk._souk",
    source,
    extra_compile_args=shlex.split(pkg_config("--cflags")),
    extra_link_args=[*libraries, "-Wl,--exclude-libs,ALL"],
)
