// Catch2 version 2 (Debian 12) and version 3 (everything newer) under one include.
// In a test CHECK is Catch's: core/check.h, whose CHECK stops the process, comes first and is then replaced.
#pragma once

#include "core/check.h"

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
