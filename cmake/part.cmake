# part(<name> SOURCES … USES …): one folder, one static library, and what it may call. A core that
# calls a socket does not link in its own test.
function(part name)
    cmake_parse_arguments(PART "" "" "SOURCES;USES" ${ARGN})
    add_library(${name} STATIC ${PART_SOURCES})
    target_link_libraries(${name} PUBLIC skein_flags ${PART_USES})
endfunction()

# program(<name> SOURCES … USES …): an executable in build/…/bin.
function(program name)
    cmake_parse_arguments(PROGRAM "" "" "SOURCES;USES" ${ARGN})
    add_executable(${name} ${PROGRAM_SOURCES})
    target_link_libraries(${name} PRIVATE skein_flags ${PROGRAM_USES})
endfunction()

# unit_test(<path> USES …): tests/unit/<path>.c, run by ctest under the label unit.
function(unit_test path)
    test_program(unit ${path} ${ARGN})
endfunction()

# component_test(<path> USES …): the same below tests/component, with real libraries and servers.
function(component_test path)
    test_program(component ${path} ${ARGN})
endfunction()

# test_program(<label> <path> [THREADS] [SOURCES …] USES …): one cmocka program; 77 means skipped, with
# reason. THREADS: what it tests, or the program it starts, has several, so the thread sanitizer watches.
function(test_program label path)
    cmake_parse_arguments(TEST "THREADS" "" "SOURCES;USES" ${ARGN})
    if(TEST_THREADS)
        set(labels "${label};threads")
    else()
        set(labels "${label}")
    endif()
    string(REPLACE "/" "_" name "${label}_${path}")
    add_executable(${name} ${CMAKE_SOURCE_DIR}/tests/${label}/${path}.c ${TEST_SOURCES})
    target_link_libraries(${name} PRIVATE skein_flags ${TEST_USES} cmocka)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${label}/${path} COMMAND ${name})
    set_tests_properties(${label}/${path} PROPERTIES
        LABELS "${labels}" TIMEOUT 300 SKIP_RETURN_CODE 77
        ENVIRONMENT "SKEIN_SOURCE=${CMAKE_SOURCE_DIR};SKEIN_BUILD=${CMAKE_BINARY_DIR}")
endfunction()

# fuzzer(<name> SOURCES … USES …): tests/fuzz/fuzz_<name>.c, which defines LLVMFuzzerTestOneInput. In a
# SKEIN_FUZZ build a libFuzzer program fuzz_<name>; in every other one a test that replays the corpus
# in tests/fuzz/corpus/<name> and some thousand changes of it.
function(fuzzer name)
    cmake_parse_arguments(FUZZER "" "" "SOURCES;USES" ${ARGN})
    set(entry ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_${name}.c)
    if(SKEIN_FUZZ)
        add_executable(fuzz_${name} ${entry} ${FUZZER_SOURCES})
        target_link_libraries(fuzz_${name} PRIVATE skein_flags ${FUZZER_USES})
        target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
        add_dependencies(fuzzers fuzz_${name})
    else()
        add_executable(replay_${name} ${entry} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c ${FUZZER_SOURCES})
        target_link_libraries(replay_${name} PRIVATE skein_flags ${FUZZER_USES} base)
        set_target_properties(replay_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
        add_test(NAME fuzz/${name}
            COMMAND replay_${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
        set_tests_properties(fuzz/${name} PROPERTIES LABELS unit TIMEOUT 300)
    endif()
endfunction()
