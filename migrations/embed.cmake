# Writes OUT: the files of FILES (a list, in order of their names) as C strings with number, name and SHA-256.
list(SORT FILES)
set(rows "")
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  string(REGEX MATCH "^[0-9]+" number ${name})
  if(NOT number)
    message(FATAL_ERROR "${file}: a migration's name begins with its number, e.g. 0001_init.sql")
  endif()
  string(REGEX REPLACE "^0+" "" number ${number})
  file(SHA256 ${file} hash)
  file(READ ${file} text)
  # One C string literal a line: no bracket or semicolon of SQL may meet CMake's list rules.
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n     \"" text "${text}")
  string(APPEND rows "    {${number}, \"${name}\", \"${hash}\",\n     \"${text}\"},\n")
endforeach()
file(WRITE ${OUT} "/* Made by migrations/embed.cmake from migrations/sqlite. */
#include \"lib/store/sqlite/migrations.h\"

const struct migration sqlite_migrations[] = {
${rows}    {0, NULL, NULL, NULL},
};
")
