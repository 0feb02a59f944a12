# One target per folder. Every target of our own code gets the same warnings as errors.

set(POLICYAGENT_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Werror)

# Files of a folder are compiled several at a time: what their headers instantiate is then compiled once for all of them. So the names in
# the anonymous namespaces of a target differ, but in the files that SEPARATE names.
set(POLICYAGENT_UNITY_FILES 8)

# policyagent_unity(NAME separate.cpp ...)
function(policyagent_unity name)
  if(POLICYAGENT_UNITY)
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${POLICYAGENT_UNITY_FILES})
    # It means headers: a source is one here, too, as it is included.
    target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
    set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()

# Every target has the code generation of libraries, so that all share their precompiled headers; the compiler links programs as
# position independent by itself.
function(policyagent_precompile_product name dependencies)
  if(NOT POLICYAGENT_PRECOMPILE)
    return()
  endif()
  if(POLICYAGENT_PRECOMPILE_RPC AND "${dependencies}" MATCHES "^proto$|^proto;|;proto;|;proto$|cli_format|cli_commands|cli_agent_client|cli_shell")
    target_precompile_headers(${name} REUSE_FROM precompiled_rpc_library)
  else()
    target_precompile_headers(${name} REUSE_FROM precompiled_library)
  endif()
endfunction()

# policyagent_library(NAME SOURCES a.cpp ... DEPENDS other ... [WITHOUT_PRECOMPILED b.cpp ...] [SEPARATE c.cpp ...])
# A target without sources (headers only) becomes an interface library. WITHOUT_PRECOMPILED names sources in which GCC 12, under a
# precompiled header, takes the standard library's code for ours and warns about it.
function(policyagent_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;WITHOUT_PRECOMPILED;SEPARATE" ${ARGN})
  if(arg_SOURCES)
    add_library(${name} STATIC ${arg_SOURCES})
    target_compile_options(${name} PRIVATE ${POLICYAGENT_WARNINGS})
    target_include_directories(${name} PUBLIC "${CMAKE_SOURCE_DIR}")
    target_link_libraries(${name} PUBLIC ${arg_DEPENDS})
    policyagent_precompile_product(${name} "${arg_DEPENDS}")
    set_source_files_properties(${arg_WITHOUT_PRECOMPILED} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
    policyagent_unity(${name} ${arg_WITHOUT_PRECOMPILED} ${arg_SEPARATE})
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE "${CMAKE_SOURCE_DIR}")
    target_link_libraries(${name} INTERFACE ${arg_DEPENDS})
  endif()
endfunction()

# policyagent_program(NAME SOURCES main.cpp ... DEPENDS ... [SEPARATE c.cpp ...])
function(policyagent_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;SEPARATE" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE ${POLICYAGENT_WARNINGS} -fPIC)
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS})
  policyagent_precompile_product(${name} "${arg_DEPENDS}")
  policyagent_unity(${name} ${arg_SEPARATE})
endfunction()

# What the tests test is optimised; their own code is compiled for a quick build, and without the inlining that lets GCC 12 take the
# standard library's code for ours and warn about it.
set(POLICYAGENT_TEST_OPTIONS -O0 -U_FORTIFY_SOURCE)

function(policyagent_compile_as_test name dependencies)
  target_compile_options(${name} PRIVATE ${POLICYAGENT_WARNINGS})
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${dependencies} GTest::gtest GTest::gmock)
  target_compile_options(${name} PRIVATE ${POLICYAGENT_TEST_OPTIONS})
  if(POLICYAGENT_PRECOMPILE)
    if(POLICYAGENT_PRECOMPILE_RPC AND "${dependencies}" MATCHES "_shell|_service|cli_format|cli_commands|common_rpc")
      target_precompile_headers(${name} REUSE_FROM precompiled_rpc_test)
    else()
      target_precompile_headers(${name} REUSE_FROM precompiled_test)
    endif()
  endif()
  policyagent_unity(${name} ${ARGN})
endfunction()

# policyagent_test_part(NAME SOURCES a.cpp ... DEPENDS ... [SEPARATE b.cpp ...]): what belongs to tests and is neither a test nor
# measured, compiled as tests are.
function(policyagent_test_part name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;SEPARATE" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE -fPIE)
  policyagent_compile_as_test(${name} "${arg_DEPENDS}" ${arg_SEPARATE})
endfunction()

# policyagent_test(NAME SOURCES x_test.cpp ... DEPENDS ... [SEPARATE y_test.cpp ...]): one GoogleTest program per tested folder, run by ctest and by
# tests/run. Test programs land in <build>/tests, not beside the product's programs.
function(policyagent_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;SEPARATE" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  policyagent_compile_as_test(${name} "${arg_DEPENDS}" ${arg_SEPARATE})
  target_link_libraries(${name} PRIVATE tests_support GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  add_test(NAME ${name} COMMAND ${name})
endfunction()

# policyagent_fuzz_target(NAME SOURCES x_fuzz.cpp DEPENDS ...): libFuzzer program in the fuzz preset; elsewhere the same source is
# linked with a small driver that replays files or a seeded stream of bytes, so that CI runs every target.
function(policyagent_fuzz_target name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  policyagent_program(${name} SOURCES ${arg_SOURCES} DEPENDS ${arg_DEPENDS})
  if(POLICYAGENT_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_link_libraries(${name} PRIVATE tests_fuzz_replay)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
endfunction()
