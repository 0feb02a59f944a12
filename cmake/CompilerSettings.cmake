set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

set(POLICYAGENT_SANITIZE "" CACHE STRING "Sanitizers, comma separated (address,undefined or thread)")
option(POLICYAGENT_PRECOMPILE "Precompile what libraries and tests include most; off: every file must include what it uses" ON)
# Under sanitizers it has not been tried: GCC 12 warns of the library's own code where it is precompiled.
if(POLICYAGENT_SANITIZE)
  set(POLICYAGENT_PRECOMPILE_RPC OFF)
else()
  set(POLICYAGENT_PRECOMPILE_RPC ON)
endif()
# A file changed costs its neighbours a compilation, too: whoever works on the code may want it off.
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(POLICYAGENT_UNITY_DEFAULT ON)
else()
  set(POLICYAGENT_UNITY_DEFAULT OFF)
endif()
option(POLICYAGENT_UNITY "Compile several files of a folder as one" ${POLICYAGENT_UNITY_DEFAULT})
option(POLICYAGENT_FUZZ "Build the libFuzzer targets (needs clang)" OFF)

# Assertions stay on in every build: an impossible state must stop the process, not go on with keys in memory.
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
set(CMAKE_C_FLAGS_RELEASE "-O2")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -fno-omit-frame-pointer")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g1 -fno-omit-frame-pointer")

# GCC collects its garbage from the first megabytes on, which is a sixth of its time; half a gigabyte is what a large file needs in all.
add_compile_options("$<$<CXX_COMPILER_ID:GNU>:SHELL:--param ggc-min-expand=100 --param ggc-min-heapsize=524288>")

# -pthread for all, as targets share precompiled headers.
add_compile_options(-fstack-protector-strong -pthread)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-D_FORTIFY_SOURCE=2)
endif()
add_link_options(-Wl,-z,relro,-z,now)

if(POLICYAGENT_SANITIZE)
  add_compile_options(-fsanitize=${POLICYAGENT_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${POLICYAGENT_SANITIZE})
  # GCC's manual: with sanitizers this warning reports what is not there (std::regex, for one). The other presets keep it.
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  # Protobuf's headers give map fields two more members where this macro is there; Debian's library is built without it.
  add_compile_options(-U__SANITIZE_THREAD__)
endif()

if(POLICYAGENT_FUZZ)
  # Coverage for libFuzzer in the code under test; the main of the fuzzer comes with the targets (policyagent_fuzz_target).
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime;CCACHE_BASEDIR=${CMAKE_SOURCE_DIR};CCACHE_NOHASHDIR=1;${CCACHE_PROGRAM}")
endif()

find_program(LLD_PROGRAM ld.lld)
if(LLD_PROGRAM)
  add_link_options(-fuse-ld=lld)
endif()
