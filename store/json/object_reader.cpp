#include "store/json/object_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "store/json/parse.h"
#include "store/limits.h"
#include "store/text.h"

namespace ipsec::store {

ObjectReader::ObjectReader(const nlohmann::json& value, std::string pointer, std::string label, Problems& problems)
    : value_(value), pointer_(std::move(pointer)), label_(std::move(label)), problems_(problems) {
  if (!value_.is_object()) add(kWrongType, "", fmt::format("is {}; accepted is an object", describe_value(value_)));
}

std::string ObjectReader::pointer(std::string_view key) const {
  return key.empty() ? pointer_ : fmt::format("{}/{}", pointer_, pointer_part(key));
}

bool ObjectReader::has(std::string_view key) const { return value_.is_object() && value_.contains(key); }

std::string ObjectReader::text(std::string_view key, std::string fallback) {
  const nlohmann::json* found = find(key, false);
  if (!found) return fallback;
  if (found->is_string()) return found->get<std::string>();
  wrong_type(key, *found, "a string");
  return fallback;
}

std::string ObjectReader::required_text(std::string_view key) {
  find(key, true);
  return text(key);
}

bool ObjectReader::boolean(std::string_view key, bool fallback) {
  const nlohmann::json* found = find(key, false);
  if (!found) return fallback;
  if (found->is_boolean()) return found->get<bool>();
  wrong_type(key, *found, "true or false");
  return fallback;
}

std::uint64_t ObjectReader::number(std::string_view key, std::uint64_t lowest, std::uint64_t highest,
                                   std::uint64_t fallback) {
  const nlohmann::json* found = find(key, false);
  if (!found) return fallback;
  if (!found->is_number_integer()) {
    wrong_type(key, *found, fmt::format("a whole number from {} to {}", lowest, highest));
    return fallback;
  }
  if (found->is_number_unsigned()) {
    const auto given = found->get<std::uint64_t>();
    if (given >= lowest && given <= highest) return given;
  }
  add(kNumberOutOfRange, key, fmt::format("is {}; accepted are {} to {}", found->dump(), lowest, highest));
  return fallback;
}

std::optional<std::size_t> ObjectReader::word(std::string_view key, const std::vector<std::string_view>& words,
                                              bool required) {
  const nlohmann::json* found = find(key, required);
  if (!found) return std::nullopt;
  if (!found->is_string()) {
    wrong_type(key, *found, alternatives(words));
    return std::nullopt;
  }
  const auto& given = found->get_ref<const std::string&>();
  const auto at = std::find(words.begin(), words.end(), given);
  if (at != words.end()) return static_cast<std::size_t>(at - words.begin());
  const std::string_view near = nearest(given, words);
  add(kUnknownValue, key,
      fmt::format("is '{:.60}'{}; accepted are {}", given,
                  near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near), alternatives(words)));
  return std::nullopt;
}

const nlohmann::json* ObjectReader::value(std::string_view key, bool required) { return find(key, required); }

bool ObjectReader::each(std::string_view key, const std::function<void(const nlohmann::json&, std::string)>& visit) {
  const nlohmann::json* found = find(key, false);
  if (!found) return false;
  if (!found->is_array()) {
    wrong_type(key, *found, "an array");
    return false;
  }
  for (std::size_t i = 0; i < found->size(); ++i) visit((*found)[i], fmt::format("{}/{}", pointer(key), i));
  return true;
}

void ObjectReader::add(Code code, std::string_view key, std::string text) {
  if (problems_.size() >= kMaxProblems) return;
  Problem problem;
  problem.code = code;
  problem.object = label_;
  problem.field = pointer(key);
  problem.text = std::move(text);
  problems_.push_back(std::move(problem));
}

void ObjectReader::finish() {
  if (!value_.is_object()) return;
  for (auto item = value_.begin(); item != value_.end(); ++item) {
    if (std::find(known_.begin(), known_.end(), item.key()) != known_.end()) continue;
    const std::string_view near = nearest(item.key(), known_);
    add(kUnknownKey, item.key(),
        near.empty() ? fmt::format("is not a key of this object; accepted are {}", alternatives(known_))
                     : fmt::format("is not a key of this object; did you mean '{}'?", near));
  }
}

const nlohmann::json* ObjectReader::find(std::string_view key, bool required) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
  if (!value_.is_object()) return nullptr;
  const auto found = value_.find(key);
  if (found != value_.end()) return &*found;
  if (required) add(kMissingKey, key, "is missing; it is required");
  return nullptr;
}

void ObjectReader::wrong_type(std::string_view key, const nlohmann::json& value, std::string_view accepted) {
  add(kWrongType, key, fmt::format("is {}; accepted is {}", describe_value(value), accepted));
}

std::string describe_value(const nlohmann::json& value) {
  switch (value.type()) {
    case nlohmann::json::value_t::null:
      return "null";
    case nlohmann::json::value_t::boolean:
    case nlohmann::json::value_t::number_integer:
    case nlohmann::json::value_t::number_unsigned:
    case nlohmann::json::value_t::number_float:
      return value.dump();
    case nlohmann::json::value_t::string:
      return "a string";
    case nlohmann::json::value_t::array:
      return "an array";
    default:
      return "an object";
  }
}

}  // namespace ipsec::store
