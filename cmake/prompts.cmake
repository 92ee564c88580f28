# prompts/*.md and prompts/workflows/*.md compiled into the program as string constants (prompts/pages.h declares them).
function(embed_pages name pattern)
  file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${pattern})
  set(source ${PROJECT_BINARY_DIR}/generated/prompts_${name}.cc)
  add_custom_command(OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -DOUT=${source} -DNAME=${name} "-DPAGES=${pages}" -P ${PROJECT_SOURCE_DIR}/cmake/embed_pages.cmake
    DEPENDS ${pages} ${PROJECT_SOURCE_DIR}/cmake/embed_pages.cmake VERBATIM)
  set(prompt_sources ${prompt_sources} ${source} PARENT_SCOPE)
endfunction()
file(GLOB prompt_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/prompts/*.cc)
embed_pages(all_pages prompts/*.md)
embed_pages(workflow_files prompts/workflows/*.md)
chronos_library(prompts SOURCES ${prompt_sources})
