# skein_flags: what every file of ours is compiled and linked with.
add_library(skein_flags INTERFACE)
target_include_directories(skein_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(skein_flags INTERFACE
    _GNU_SOURCE SKEIN_VERSION="${PROJECT_VERSION}"
    $<$<BOOL:${SKEIN_TESTING}>:SKEIN_TESTING> $<$<BOOL:${SKEIN_MUTATIONS}>:SKEIN_MUTATIONS>)
target_compile_options(skein_flags INTERFACE
    -Werror
    -Wall -Wextra -Wpedantic     # what the compilers themselves advise
    -Wconversion                 # a value that silently changes is a bug in waiting
    -Wshadow                     # one name, one thing
    -Wstrict-prototypes -Wmissing-prototypes  # what is not in a header is static
    -Wformat=2                   # formats are literals
    -Wcast-qual -Wwrite-strings  # const means it
    -Wpointer-arith -Wvla -Wundef
    -fno-common
    -fstack-protector-strong)
target_link_options(skein_flags INTERFACE -Wl,-z,relro,-z,now -Wl,--as-needed)

# Assertions stay on in every build: CMake's optimised types would switch them off.
foreach(type RELEASE RELWITHDEBINFO MINSIZEREL)
    string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${type} "${CMAKE_C_FLAGS_${type}}")
endforeach()

if(SKEIN_SANITIZE)
    target_compile_options(skein_flags INTERFACE
        -fsanitize=${SKEIN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(skein_flags INTERFACE -fsanitize=${SKEIN_SANITIZE})
endif()
if(SKEIN_FUZZ)
    target_compile_options(skein_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(CMAKE_BUILD_TYPE MATCHES "Rel" AND NOT SKEIN_SANITIZE)
    target_compile_options(skein_flags INTERFACE -D_FORTIFY_SOURCE=2)
endif()
