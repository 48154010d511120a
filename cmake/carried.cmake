# SPDX-License-Identifier: Apache-2.0
# Where the system lacks one of these libraries but the tree brings carried/libraries.tar.xz
# (cmake/carry.sh), that is unpacked into the build folder and takes the system's place for every library;
# programs find them there.
set(carried_archive ${CMAKE_SOURCE_DIR}/carried/libraries.tar.xz)
if(EXISTS ${carried_archive})
  execute_process(COMMAND pkg-config --exists hdf5 libsodium inih jansson lapacke libmicrohttpd libzstd liblzma libdeflate zlib
                  RESULT_VARIABLE missing OUTPUT_QUIET ERROR_QUIET)
  find_library(system_dnnl dnnl NO_CACHE)
  find_library(system_openblas openblas PATH_SUFFIXES openblas-serial NO_CACHE)
  if(NOT missing EQUAL 0 OR NOT system_dnnl OR NOT system_openblas)
    set(carried ${CMAKE_BINARY_DIR}/carried/usr)
    if(${carried_archive} IS_NEWER_THAN ${carried})
      file(REMOVE_RECURSE ${carried})
      file(ARCHIVE_EXTRACT INPUT ${carried_archive} DESTINATION ${CMAKE_BINARY_DIR}/carried TOUCH)
    endif()
    message(STATUS "libraries missing on this system: building with ${carried_archive}")
    set(PKG_CONFIG_EXECUTABLE ${carried}/bin/pkg-config)
    list(PREPEND CMAKE_PREFIX_PATH ${carried})
    list(APPEND CMAKE_BUILD_RPATH ${carried}/lib/x86_64-linux-gnu)
    add_link_options(LINKER:--disable-new-dtags) # the libraries these load are found there too
  endif()
endif()
