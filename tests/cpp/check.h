// A small test framework: named cases, a CHECK that goes on after a failure, and CHECK_THROWS.
#pragma once

#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace fastmi::test {

struct Case {
  const char* name;
  std::function<void()> body;
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

inline int failures = 0;

inline void check(bool holds, const char* expression, const char* file, int line,
                  const std::string& context = "") {
  // Twenty failures of one loop say as much as a million.
  if (holds || ++failures > 20) return;
  std::printf("%s:%d: CHECK(%s) failed %s\n", file, line, expression, context.c_str());
}

struct Register {
  Register(const char* name, std::function<void()> body) {
    cases().push_back({name, std::move(body)});
  }
};

inline int run_all() {
  for (const Case& each : cases()) {
    const int before = failures;
    try {
      each.body();
    } catch (const std::exception& error) {
      ++failures;
      std::printf("unexpected exception: %s\n", error.what());
    }
    std::printf("%s  %s\n", failures == before ? "ok    " : "FAILED", each.name);
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace fastmi::test

#define FASTMI_TEST(function)                                                   \
  static void function();                                                       \
  static const fastmi::test::Register register_##function(#function, function); \
  static void function()
/// CHECK(expression) or CHECK(expression, string that says which case of a loop).
#define FASTMI_CHECK(expression, ...) \
  fastmi::test::check((expression), #expression, __FILE__, __LINE__ __VA_OPT__(, ) __VA_ARGS__)
#define FASTMI_CHECK_THROWS(expression, type)                                      \
  do {                                                                             \
    bool thrown = false;                                                           \
    try {                                                                          \
      expression;                                                                  \
    } catch (const type&) {                                                        \
      thrown = true;                                                               \
    }                                                                              \
    fastmi::test::check(thrown, #expression " throws " #type, __FILE__, __LINE__); \
  } while (false)
