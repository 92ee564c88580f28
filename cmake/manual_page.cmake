# Writes OUT: the manual page PAGE with the subcommands that `PROGRAM --help` lists, so that it never misses one.
execute_process(COMMAND ${PROGRAM} --help OUTPUT_VARIABLE help COMMAND_ERROR_IS_FATAL ANY)
file(READ ${PAGE} page)
string(REGEX REPLACE ".*\nSubcommands:" "" help "${help}")
string(REGEX REPLACE "\n\n.*" "" help "${help}")
string(REGEX REPLACE "\n  ([a-z]+) +([^\n]+)" "\n.TP\n.B \\1\n\\2." help "${help}")
string(STRIP "${help}" help)
string(REPLACE "@SUBCOMMANDS@" "${help}" page "${page}")
file(WRITE ${OUT} "${page}")
