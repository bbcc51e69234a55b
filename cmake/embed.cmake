# cmake -DOUT=… -DARRAY=… -DHEADER=… -P embed.cmake -- FILE…: a C source with the array `ARRAY` of
# struct embedded: the name and the content of each file.
set(entries "")
set(bodies "")
set(number 0)
set(is_file FALSE)
foreach(index RANGE ${CMAKE_ARGC})
    set(argument "${CMAKE_ARGV${index}}")
    if(is_file AND argument)
        get_filename_component(name "${argument}" NAME)
        file(READ "${argument}" bytes HEX)
        string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
        string(REPLACE "0x0a," "0x0a,\n" bytes "${bytes}") # a line for each of the file's
        string(APPEND bodies "static const unsigned char file_${number}[] = {\n${bytes}0};\n")
        string(APPEND entries "    {\"${name}\", (const char *)file_${number}},\n")
        math(EXPR number "${number} + 1")
    elseif(argument STREQUAL "--")
        set(is_file TRUE)
    endif()
endforeach()
file(WRITE "${OUT}"
"#include \"${HEADER}\"\n
${bodies}
const struct embedded ${ARRAY}[] = {
${entries}    {0},
};
")
