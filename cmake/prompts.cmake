# prompts/*.md compiled into the program as string constants (prompts/pages.h declares them).
file(GLOB prompt_pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/prompts/*.md)
set(prompt_source ${PROJECT_BINARY_DIR}/generated/prompts_pages.cc)
add_custom_command(OUTPUT ${prompt_source}
  COMMAND ${CMAKE_COMMAND} -DOUT=${prompt_source} "-DPAGES=${prompt_pages}" -P ${PROJECT_SOURCE_DIR}/cmake/embed_pages.cmake
  DEPENDS ${prompt_pages} ${PROJECT_SOURCE_DIR}/cmake/embed_pages.cmake VERBATIM)
file(GLOB prompt_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/prompts/*.cc)
chronos_library(prompts SOURCES ${prompt_sources} ${prompt_source})
