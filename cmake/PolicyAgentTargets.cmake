# One target per folder. Every target of our own code gets the same warnings as errors.

set(POLICYAGENT_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Werror)

# policyagent_library(NAME SOURCES a.cpp ... DEPENDS other ... [WITHOUT_PRECOMPILED b.cpp ...])
# A target without sources (headers only) becomes an interface library. WITHOUT_PRECOMPILED names sources in which GCC 12, under a
# precompiled header, takes the standard library's code for ours and warns about it.
function(policyagent_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;WITHOUT_PRECOMPILED" ${ARGN})
  if(arg_SOURCES)
    add_library(${name} STATIC ${arg_SOURCES})
    target_compile_options(${name} PRIVATE ${POLICYAGENT_WARNINGS})
    target_include_directories(${name} PUBLIC "${CMAKE_SOURCE_DIR}")
    target_link_libraries(${name} PUBLIC ${arg_DEPENDS})
    if(POLICYAGENT_PRECOMPILE)
      if(POLICYAGENT_PRECOMPILE_RPC AND ("proto" IN_LIST arg_DEPENDS OR "${arg_DEPENDS}" MATCHES "cli_format|cli_commands"))
        target_precompile_headers(${name} REUSE_FROM precompiled_rpc_library)
      else()
        target_precompile_headers(${name} REUSE_FROM precompiled_library)
      endif()
      set_source_files_properties(${arg_WITHOUT_PRECOMPILED} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
    endif()
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE "${CMAKE_SOURCE_DIR}")
    target_link_libraries(${name} INTERFACE ${arg_DEPENDS})
  endif()
endfunction()

# policyagent_program(NAME SOURCES main.cpp ... DEPENDS ...)
function(policyagent_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_compile_options(${name} PRIVATE ${POLICYAGENT_WARNINGS})
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS})
endfunction()

# What the tests test is optimised; their own code is compiled for a quick build, and without the inlining that lets GCC 12 take the
# standard library's code for ours and warn about it.
set(POLICYAGENT_TEST_OPTIONS -O0 -U_FORTIFY_SOURCE)

# policyagent_test(NAME SOURCES x_test.cpp ... DEPENDS ...): one GoogleTest program per tested folder, run by ctest and by
# tests/run. Test programs land in <build>/tests, not beside the product's programs.
function(policyagent_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_compile_options(${name} PRIVATE ${POLICYAGENT_WARNINGS})
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} tests_support GTest::gtest_main GTest::gmock)
  target_compile_options(${name} PRIVATE ${POLICYAGENT_TEST_OPTIONS})
  if(POLICYAGENT_PRECOMPILE)
    if(POLICYAGENT_PRECOMPILE_RPC AND "${arg_DEPENDS}" MATCHES "_shell|_service|cli_format|cli_commands|common_rpc")
      target_precompile_headers(${name} REUSE_FROM precompiled_rpc_test)
    else()
      target_precompile_headers(${name} REUSE_FROM precompiled_test)
    endif()
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  add_test(NAME ${name} COMMAND ${name})
endfunction()

# policyagent_fuzz_target(NAME SOURCES x_fuzz.cpp DEPENDS ...): libFuzzer program in the fuzz preset; elsewhere the same source is
# linked with a small driver that replays files or a seeded stream of bytes, so that CI runs every target.
function(policyagent_fuzz_target name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  if(POLICYAGENT_FUZZ)
    add_executable(${name} ${arg_SOURCES})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(${name} ${arg_SOURCES} "${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.cpp")
  endif()
  target_compile_options(${name} PRIVATE ${POLICYAGENT_WARNINGS})
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
endfunction()
