# Debian ships cpp-httplib with pkg-config only, as a header and a library that must see the same options.
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(PC_HTTPLIB QUIET IMPORTED_TARGET cpp-httplib)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(httplib REQUIRED_VARS PC_HTTPLIB_FOUND VERSION_VAR PC_HTTPLIB_VERSION)
if(httplib_FOUND AND NOT TARGET httplib::httplib)
  # Newer releases call OpenSSL from the header.
  find_package(OpenSSL REQUIRED)
  add_library(httplib::httplib INTERFACE IMPORTED)
  target_link_libraries(httplib::httplib INTERFACE PkgConfig::PC_HTTPLIB OpenSSL::SSL OpenSSL::Crypto)
endif()
