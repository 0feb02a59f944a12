#pragma once

#include <string>
#include <string_view>

#include "store/problem.h"

namespace ipsec::store {

// Collects problems about one object; `prefix` stands before every field. Stops at kMaxProblems. Borrows `out` and
// `object`, which must outlive it: one reporter is made for each filter.
class Reporter {
 public:
  Reporter(Problems& out, const std::string& object, std::string prefix = "");

  void add(Code code, std::string_view field, std::string text) const;
  // The same object, one level deeper: in("offers", 2) reports "offers/2/...".
  Reporter in(std::string_view part) const;
  Reporter in(std::string_view part, std::size_t index) const;
  const std::string& object() const { return object_; }

 private:
  Problems& out_;
  const std::string& object_;
  std::string prefix_;
};

// ---- checks of values that several objects have; `field` names the value
// ----------------------------------------------

// 1 to kMaxNameLength octets of clean text.
void check_name(const Reporter& report, std::string_view field, std::string_view name);
// At most `limit` octets of clean text.
void check_text(const Reporter& report, std::string_view field, std::string_view text, std::size_t limit);
void check_range(const Reporter& report, std::string_view field, std::uint64_t value, std::uint64_t lowest,
                 std::uint64_t highest, std::string_view unit);

}  // namespace ipsec::store
