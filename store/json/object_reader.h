#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "store/problem.h"

namespace ipsec::store {

// Reads one JSON object key by key and reports, with a JSON pointer, every value of the wrong type or range, every
// missing key, and at finish() every key that was not read. Borrows the value and the problems.
class ObjectReader {
 public:
  // `label` says what is being read until set_label names it better: "policy".
  ObjectReader(const nlohmann::json& value, std::string pointer, std::string label, Problems& problems);

  void set_label(std::string label) { label_ = std::move(label); }
  const std::string& label() const { return label_; }
  std::string pointer(std::string_view key) const;
  bool has(std::string_view key) const;

  // The fallback is returned where the key is absent or the value wrong.
  std::string text(std::string_view key, std::string fallback = "");
  std::string required_text(std::string_view key);
  bool boolean(std::string_view key, bool fallback);
  std::uint64_t number(std::string_view key, std::uint64_t lowest, std::uint64_t highest, std::uint64_t fallback);
  // One of `words`, exactly as written there: its place. nullopt where the key is absent or the value none of them.
  std::optional<std::size_t> word(std::string_view key, const std::vector<std::string_view>& words, bool required);
  // Any value, for the caller to read; null where the key is absent.
  const nlohmann::json* value(std::string_view key, bool required = false);
  // Calls visit(element, pointer of the element) for each element. False where the key is absent.
  bool each(std::string_view key, const std::function<void(const nlohmann::json&, std::string)>& visit);

  void add(Code code, std::string_view key, std::string text);
  // Reports what nobody asked for, naming the nearest key that would be accepted.
  void finish();

 private:
  const nlohmann::json* find(std::string_view key, bool required);
  void wrong_type(std::string_view key, const nlohmann::json& value, std::string_view accepted);

  const nlohmann::json& value_;
  std::string pointer_;
  std::string label_;
  Problems& problems_;
  std::vector<std::string_view> known_;
};

// "a string", "the number 5", ...; never the content of a string.
std::string describe_value(const nlohmann::json& value);

}  // namespace ipsec::store
