# Every package, found on the system first (Debian's and Ubuntu's are enough); fetched from its release only where the
# system has none, for people with internet.  CONTRIBUTING.md says what each is for.
include(FetchContent)
find_package(Threads REQUIRED)

FetchContent_Declare(nlohmann_json
  URL https://github.com/nlohmann/json/releases/download/v3.12.0/json.tar.xz
  URL_HASH SHA256=42f6e95cad6ec532fd372391373363b62a14af6d771056dbfc86160e6dfff7aa
  FIND_PACKAGE_ARGS 3.11.2)
# No version here: simdjson's config accepts only its own minor version.
FetchContent_Declare(simdjson
  GIT_REPOSITORY https://github.com/simdjson/simdjson.git GIT_TAG v3.12.3 GIT_SHALLOW ON
  FIND_PACKAGE_ARGS)
FetchContent_Declare(xxhash
  GIT_REPOSITORY https://github.com/Cyan4973/xxHash.git GIT_TAG v0.8.3 GIT_SHALLOW ON
  SOURCE_SUBDIR cmake_unofficial
  FIND_PACKAGE_ARGS)   # cmake/Findxxhash.cmake
FetchContent_Declare(zstd
  GIT_REPOSITORY https://github.com/facebook/zstd.git GIT_TAG v1.5.6 GIT_SHALLOW ON
  SOURCE_SUBDIR build/cmake
  FIND_PACKAGE_ARGS)   # cmake/Findzstd.cmake
FetchContent_Declare(CLI11
  GIT_REPOSITORY https://github.com/CLIUtils/CLI11.git GIT_TAG v2.4.2 GIT_SHALLOW ON
  FIND_PACKAGE_ARGS)
FetchContent_Declare(utf8proc
  GIT_REPOSITORY https://github.com/JuliaStrings/utf8proc.git GIT_TAG v2.9.0 GIT_SHALLOW ON
  FIND_PACKAGE_ARGS)   # cmake/Findutf8proc.cmake
FetchContent_MakeAvailable(nlohmann_json simdjson xxhash zstd CLI11 utf8proc)
FetchContent_Declare(hnswlib
  GIT_REPOSITORY https://github.com/nmslib/hnswlib.git GIT_TAG v0.8.0 GIT_SHALLOW ON
  FIND_PACKAGE_ARGS)   # cmake/Findhnswlib.cmake
FetchContent_MakeAvailable(hnswlib)
find_package(OpenSSL REQUIRED)
FetchContent_Declare(httplib
  GIT_REPOSITORY https://github.com/yhirose/cpp-httplib.git GIT_TAG v0.18.7 GIT_SHALLOW ON
  FIND_PACKAGE_ARGS)   # cmake/Findhttplib.cmake
FetchContent_MakeAvailable(httplib)
# Snowball has no CMake file to fetch it by.
find_package(stemmer REQUIRED)
if(NOT TARGET xxhash::xxhash)
  add_library(xxhash::xxhash ALIAS xxhash)
endif()
if(NOT TARGET zstd::zstd)
  add_library(zstd::zstd ALIAS libzstd_static)
endif()
if(NOT TARGET utf8proc::utf8proc)
  add_library(utf8proc::utf8proc ALIAS utf8proc)
endif()

if(NOT TARGET hnswlib::hnswlib)
  add_library(hnswlib::hnswlib ALIAS hnswlib)
endif()

if(CHRONOS_TESTS)
  FetchContent_Declare(Catch2
    GIT_REPOSITORY https://github.com/catchorg/Catch2.git GIT_TAG v3.7.1 GIT_SHALLOW ON
    FIND_PACKAGE_ARGS)
  FetchContent_MakeAvailable(Catch2)
  if(DEFINED Catch2_SOURCE_DIR)
    list(APPEND CMAKE_MODULE_PATH ${Catch2_SOURCE_DIR}/extras)
  endif()
endif()
