#include "store/reporter.h"

#include <fmt/format.h>

#include "store/limits.h"
#include "store/text.h"

namespace ipsec::store {

Reporter::Reporter(Problems& out, const std::string& object, std::string prefix)
    : out_(out), object_(object), prefix_(std::move(prefix)) {}

void Reporter::add(Code code, std::string_view field, std::string text) const {
  if (out_.size() >= kMaxProblems) return;
  Problem problem;
  problem.code = code;
  problem.object = object_;
  problem.field = fmt::format("{}{}", prefix_, field);
  if (field.empty() && !problem.field.empty()) problem.field.pop_back();
  problem.text = std::move(text);
  out_.push_back(std::move(problem));
}

Reporter Reporter::in(std::string_view part) const { return {out_, object_, fmt::format("{}{}/", prefix_, part)}; }

Reporter Reporter::in(std::string_view part, std::size_t index) const {
  return {out_, object_, fmt::format("{}{}/{}/", prefix_, part, index)};
}

void check_name(const Reporter& report, std::string_view field, std::string_view name) {
  if (name.empty() || name.size() > kMaxNameLength) {
    report.add(kNameInvalid, field, fmt::format("has {} octets; accepted are 1 to {}", name.size(), kMaxNameLength));
  }
  if (!is_clean_text(name)) {
    report.add(kNameInvalid, field, "is not UTF-8 or has control characters; accepted is UTF-8 text of one line");
  }
}

void check_text(const Reporter& report, std::string_view field, std::string_view text, std::size_t limit) {
  if (text.size() > limit) {
    report.add(kTextInvalid, field, fmt::format("has {} octets; accepted are at most {}", text.size(), limit));
  }
  if (!is_clean_text(text)) {
    report.add(kTextInvalid, field, "is not UTF-8 or has control characters; accepted is UTF-8 text of one line");
  }
}

void check_range(const Reporter& report, std::string_view field, std::uint64_t value, std::uint64_t lowest,
                 std::uint64_t highest, std::string_view unit) {
  if (value >= lowest && value <= highest) return;
  report.add(kNumberOutOfRange, field,
             fmt::format("is {}; accepted are {} to {}{}{}", value, lowest, highest, unit.empty() ? "" : " ", unit));
}

}  // namespace ipsec::store
