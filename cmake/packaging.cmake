# The .deb: cmake --build build/release --target chronos && cpack --config build/release/CPackConfig.cmake
include(GNUInstallDirs)
install(TARGETS chronos)
install(CODE "execute_process(COMMAND \"${CMAKE_COMMAND}\" -DPROGRAM=$<TARGET_FILE:chronos>
  -DPAGE=${PROJECT_SOURCE_DIR}/packaging/chronos.1 -DOUT=${PROJECT_BINARY_DIR}/generated/chronos.1
  -P \"${PROJECT_SOURCE_DIR}/cmake/manual_page.cmake\" COMMAND_ERROR_IS_FATAL ANY)")
install(FILES ${PROJECT_BINARY_DIR}/generated/chronos.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
if(CMAKE_SYSTEM_NAME STREQUAL Linux)
  install(FILES packaging/chronos.service DESTINATION lib/systemd/system)
endif()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(FILES README.md docs/CLIENTS.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
# Installs what was built, and builds nothing more for it.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR "The Chronos authors")
set(CPACK_PACKAGE_CONTACT "The Chronos authors <chronos@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "event store for AI agents")
set(CPACK_PACKAGE_DESCRIPTION "Keeps facts as events that are never changed: what happened, what is true now and
what was known at any past moment.  Serves agents over the Model Context Protocol.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/postinst ${PROJECT_SOURCE_DIR}/packaging/prerm
  ${PROJECT_SOURCE_DIR}/packaging/postrm)
include(CPack)
