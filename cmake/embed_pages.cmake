# Writes OUT: the function NAME of prompts/pages.h, with one raw string per file of PAGES.  The first line of a guide page is
# "# Title", its second paragraph its summary.
set(text "// Made from prompts/ by cmake/embed_pages.cmake.\n#include \"prompts/pages.h\"\n\nnamespace chronos {\nnamespace {\n\nconstexpr Page kPages[] = {\n")
list(SORT PAGES)
foreach(page IN LISTS PAGES)
  get_filename_component(topic ${page} NAME_WE)
  file(READ ${page} body)
  string(APPEND text "    {\"${topic}\", R\"page(${body})page\"},\n")
endforeach()
string(APPEND text "};\n\n}  // namespace\n\nstd::span<const Page> ${NAME}() { return kPages; }\n\n}  // namespace chronos\n")
file(WRITE ${OUT} "${text}")
