# SPDX-License-Identifier: Apache-2.0
# HAVE_CUDA, HAVE_CUDNN and HAVE_SM90A are always defined, 0 or 1, and tested with a plain if.
set(HAVE_CUDA 0)
set(HAVE_CUDNN 0)
set(SOUK_CUDA_LIBS "") # of souk.pc: what a program that links the static library needs of CUDA
if(NOT SOUK_CUDA STREQUAL "OFF")
  find_package(CUDAToolkit QUIET)
  if(CUDAToolkit_FOUND)
    set(HAVE_CUDA 1)
  elseif(SOUK_CUDA STREQUAL "AUTO")
    message(STATUS "no CUDA toolkit here: building for the CPU only")
  else()
    message(FATAL_ERROR "SOUK_CUDA=${SOUK_CUDA}, but there is no CUDA toolkit here: name its folder "
                        "with -DCUDAToolkit_ROOT=DIR, or leave SOUK_CUDA off to build for the CPU")
  endif()
endif()

# cuDNN stands in the toolkit's folder, in the system's, or in CUDNN_ROOT, which may be the one that the
# Python package nvidia-cudnn brings (its library has no name without the version).
if(HAVE_CUDA AND SOUK_CUDNN)
  find_path(CUDNN_INCLUDE_DIR cudnn.h HINTS ${CUDNN_ROOT}/include ${CUDAToolkit_INCLUDE_DIRS})
  find_library(CUDNN_LIBRARY NAMES cudnn libcudnn.so.9
               HINTS ${CUDNN_ROOT}/lib ${CUDNN_ROOT}/lib64 ${CUDAToolkit_LIBRARY_DIR})
  if(CUDNN_INCLUDE_DIR AND CUDNN_LIBRARY)
    file(STRINGS ${CUDNN_INCLUDE_DIR}/cudnn_version.h cudnn_version REGEX "define CUDNN_(MAJOR|MINOR|PATCHLEVEL) ")
    string(REGEX REPLACE "[^0-9;]" "" cudnn_version "${cudnn_version}")
    string(REPLACE ";" "." cudnn_version "${cudnn_version}")
    if(cudnn_version VERSION_GREATER_EQUAL 9.11)
      set(HAVE_CUDNN 1)
      message(STATUS "cuDNN ${cudnn_version}")
    endif()
  endif()
  if(NOT HAVE_CUDNN)
    message(STATUS "no cuDNN from 9.11 on here: attention is souk's own everywhere")
  endif()
endif()
# Products of warpgroups are in code for sm_90a alone; built for sm_90, or for older ones, souk goes without.
set(HAVE_SM90A 0)
if(SOUK_CUDA_ARCHITECTURES MATCHES "90a")
  set(HAVE_SM90A 1)
endif()
target_compile_definitions(libsouk PUBLIC HAVE_CUDA=${HAVE_CUDA} HAVE_CUDNN=${HAVE_CUDNN}
                           PRIVATE HAVE_SM90A=${HAVE_SM90A})

if(HAVE_CUDNN)
  target_include_directories(libsouk SYSTEM PRIVATE ${CUDNN_INCLUDE_DIR})
  target_link_libraries(libsouk PUBLIC ${CUDNN_LIBRARY})
  get_filename_component(cudnn_folder ${CUDNN_LIBRARY} DIRECTORY)
  string(APPEND SOUK_CUDA_LIBS " ${CUDNN_LIBRARY} -Wl,-rpath,${cudnn_folder}")
endif()
if(HAVE_CUDA)
  list(APPEND CMAKE_BUILD_RPATH ${CUDAToolkit_LIBRARY_DIR}) # the loader may not know the toolkit's folder
  if(NOT CMAKE_CUDA_COMPILER)
    set(CMAKE_CUDA_COMPILER ${CUDAToolkit_NVCC_EXECUTABLE})
  endif()
  enable_language(CUDA)
  set_target_properties(libsouk PROPERTIES CUDA_STANDARD 17
                        CUDA_ARCHITECTURES "${SOUK_CUDA_ARCHITECTURES}")
  target_compile_options(libsouk PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-fno-gnu-unique>")
  target_link_libraries(libsouk PUBLIC CUDA::cublasLt CUDA::cudart_static)
  string(APPEND SOUK_CUDA_LIBS " -L${CUDAToolkit_LIBRARY_DIR} -Wl,-rpath,${CUDAToolkit_LIBRARY_DIR}"
         " -lcublasLt -lcudart_static -lrt -ldl -lstdc++")
  message(STATUS "CUDA ${CUDAToolkit_VERSION} for ${SOUK_CUDA_ARCHITECTURES}")
endif()
