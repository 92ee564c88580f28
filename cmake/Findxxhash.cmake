# Debian ships xxHash with pkg-config only.
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(PC_XXHASH QUIET IMPORTED_TARGET libxxhash)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(xxhash REQUIRED_VARS PC_XXHASH_FOUND VERSION_VAR PC_XXHASH_VERSION)
if(xxhash_FOUND AND NOT TARGET xxhash::xxhash)
  add_library(xxhash::xxhash ALIAS PkgConfig::PC_XXHASH)
endif()
# Debian builds it with code for wider processors than it is compiled for, which is several times as fast.
if(xxhash_FOUND)
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_LIBRARIES PkgConfig::PC_XXHASH)
  check_cxx_source_compiles("#include <xxhash.h>
    #include <xxh_x86dispatch.h>
    int main() { return static_cast<int>(XXH3_64bits(\"\", 0) + XXH3_128bits(\"\", 0).low64); }" CHRONOS_WIDE_XXHASH)
  unset(CMAKE_REQUIRED_LIBRARIES)
endif()
