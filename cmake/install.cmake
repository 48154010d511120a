# SPDX-License-Identifier: Apache-2.0
# What is installed, and the two libraries that other programs link. Both show souk_* only:
#
#   libsouk.a    one object, linked from all of souk's, in which every other name is local; so a program may
#                have functions of the same names
#   libsouk.so   the same code behind a version script
#
# The SONAME has the part of the version that must agree: souk.h says which.
find_program(SOUK_LD NAMES ld.bfd ld REQUIRED DOC "GNU ld, which makes the one object of libsouk.a")
find_program(SOUK_OBJCOPY NAMES objcopy REQUIRED DOC "GNU objcopy, which makes its names local")

# --force-group-allocation dissolves groups of sections (inline functions of C++, in CUDA's sources): the
# linker keeps one of the groups that share a name, and local names cannot refer to another. -d gives common
# symbols (clang's locks of OpenMP) a place, as only what has one can be local.
set(archive ${CMAKE_CURRENT_BINARY_DIR}/libsouk.a)
set(object ${CMAKE_CURRENT_BINARY_DIR}/souk.o)
add_custom_command(OUTPUT ${archive} BYPRODUCTS ${object} DEPENDS libsouk VERBATIM
  COMMAND ${SOUK_LD} -r -d --force-group-allocation -o ${object} --whole-archive $<TARGET_FILE:libsouk>
  COMMAND ${SOUK_OBJCOPY} --wildcard --keep-global-symbol=souk_* ${object}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
  COMMAND ${CMAKE_AR} rcs ${archive} ${object}
  COMMENT "Linking libsouk.a")
add_custom_target(souk_archive ALL DEPENDS ${archive})

# A sanitizer's library is linked into programs alone.
if(BUILD_SHARED_LIBS AND NOT SOUK_SANITIZE)
  set(soversion ${PROJECT_VERSION_MAJOR})
  if(soversion EQUAL 0)
    set(soversion 0.${PROJECT_VERSION_MINOR})
  endif()
  file(CONFIGURE OUTPUT empty.c CONTENT "")
  add_library(souk_shared SHARED ${CMAKE_CURRENT_BINARY_DIR}/empty.c)
  target_link_libraries(souk_shared PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,libsouk>)
  target_link_options(souk_shared PRIVATE -Wl,--no-undefined
                      -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/souk.map)
  set_target_properties(souk_shared PROPERTIES OUTPUT_NAME souk VERSION ${PROJECT_VERSION}
                        SOVERSION ${soversion} LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/souk.map)
  install(TARGETS souk_shared)
endif()

# OpenMP's library by name where every compiler finds it, else by path.
set(SOUK_OPENMP_LIBS -lgomp)
if(NOT CMAKE_C_COMPILER_ID STREQUAL "GNU")
  list(GET OpenMP_C_LIB_NAMES 0 openmp)
  set(SOUK_OPENMP_LIBS ${OpenMP_${openmp}_LIBRARY})
endif()
file(RELATIVE_PATH SOUK_PREFIX_FROM_PC /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(souk.pc.in souk.pc @ONLY)

# Man pages, made by the program that was built.
if(NOT CMAKE_CROSSCOMPILING)
  string(TIMESTAMP date "%Y-%m-%d" UTC) # that of SOURCE_DATE_EPOCH where it is set
  set(man ${CMAKE_CURRENT_BINARY_DIR}/man)
  add_custom_command(OUTPUT ${man}/souk.1 VERBATIM
    DEPENDS souk ${CMAKE_SOURCE_DIR}/cmake/man.sh ${CMAKE_SOURCE_DIR}/cmake/man.awk
    COMMAND ${CMAKE_SOURCE_DIR}/cmake/man.sh $<TARGET_FILE:souk> ${man} ${PROJECT_VERSION} ${date}
    COMMENT "Making man pages")
  add_custom_target(souk_man ALL DEPENDS ${man}/souk.1)
  install(DIRECTORY ${man}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()

install(TARGETS souk)
install(FILES ${archive} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES host/souk.h TYPE INCLUDE)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/souk.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES LICENSE README.md TYPE DOC)
install(DIRECTORY datasets DESTINATION ${CMAKE_INSTALL_DATADIR}/souk FILES_MATCHING PATTERN "*.ini")
