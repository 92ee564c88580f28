# Every package, found on the system first; fetched from its release only where the system has none (and only for
# people with internet: pinned by hash).  CONTRIBUTING.md says what each is for.
include(FetchContent)
find_package(Threads REQUIRED)

FetchContent_Declare(nlohmann_json
  URL https://github.com/nlohmann/json/releases/download/v3.12.0/json.tar.xz
  URL_HASH SHA256=42f6e95cad6ec532fd372391373363b62a14af6d771056dbfc86160e6dfff7aa
  FIND_PACKAGE_ARGS 3.11.2)
FetchContent_MakeAvailable(nlohmann_json)

# No version here: simdjson's config accepts only its own minor version.
find_package(simdjson REQUIRED)
find_package(xxhash REQUIRED)   # cmake/Findxxhash.cmake
find_package(CLI11 REQUIRED)
if(CHRONOS_TESTS)
  find_package(Catch2 REQUIRED)
endif()
