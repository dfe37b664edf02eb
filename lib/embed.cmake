# Writes OUT, a C file: the files of FILES (a list, in order of their names) as the array ROWS, which HEADER declares; its
# last row is empty. FIELDS says what a row holds, in order: number (what the file's name begins with, 0001_init.sql), name,
# sha256, text.
list(SORT FILES)
set(rows "")
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  string(REGEX MATCH "^[0-9]+" number ${name})
  if(NOT number AND FIELDS MATCHES "number")
    message(FATAL_ERROR "${file}: its name begins with its number, e.g. 0001_init.sql")
  endif()
  string(REGEX REPLACE "^0+" "" field_number "${number}")
  set(field_name "\"${name}\"")
  file(SHA256 ${file} hash)
  set(field_sha256 "\"${hash}\"")
  file(READ ${file} text)
  # One C string literal a line: no bracket or semicolon of SQL may meet CMake's list rules.
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n     \"" text "${text}")
  set(field_text "\n     \"${text}\"")
  set(row "")
  foreach(field IN LISTS FIELDS)
    string(APPEND row "${field_${field}}, ")
  endforeach()
  string(APPEND rows "    {${row}},\n")
endforeach()
file(WRITE ${OUT} "/* Made by lib/embed.cmake. */
#include \"${HEADER}\"

const struct ${ROWS}[] = {
${rows}    {0},
};
")
