#include "store/json/parse.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>

#include "services/common/secret.h"
#include "store/limits.h"

namespace ipsec::store {

namespace {

Problem document_problem(Code code, std::string pointer, std::string text) {
  Problem problem;
  problem.code = code;
  problem.object = "document";
  problem.field = std::move(pointer);
  problem.text = std::move(text);
  return problem;
}

std::string place_text(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset == 0 ? 0 : offset - 1, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t last_break = before.rfind('\n');
  return fmt::format("line {}, column {}", line, before.size() - (last_break == before.npos ? 0 : last_break + 1) + 1);
}

// Walks through the text without building anything.
class Scanner : public nlohmann::json_sax<nlohmann::json> {
 public:
  Scanner(std::string_view text, Problems& problems) : text_(text), problems_(problems) {}

  bool null() override { return next(); }
  bool boolean(bool) override { return next(); }
  bool number_integer(number_integer_t) override { return next(); }
  bool number_unsigned(number_unsigned_t) override { return next(); }
  bool number_float(number_float_t, const string_t&) override { return next(); }
  bool string(string_t&) override { return next(); }
  bool binary(binary_t&) override { return next(); }
  bool start_object(std::size_t) override { return open(false); }
  bool start_array(std::size_t) override { return open(true); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& key) override {
    Frame& frame = frames_.back();
    frame.part = pointer_part(key);
    if (!frame.keys.insert(key).second && problems_.size() < kMaxProblems) {
      problems_.push_back(
          document_problem(kRepeatedKey, pointer(), "stands twice in one object; accepted is each key once"));
    }
    return true;
  }

  bool parse_error(std::size_t offset, const std::string&, const nlohmann::json::exception&) override {
    problems_.push_back(document_problem(
        kNotJson, "", fmt::format("is not JSON from {} on; accepted is JSON (RFC 8259)", place_text(text_, offset))));
    return false;
  }

 private:
  struct Frame {
    bool is_array = false;
    std::size_t count = 0;
    std::string part;  // of the value that comes next, in an object
    std::unordered_set<std::string> keys;
  };

  bool open(bool is_array) {
    if (frames_.size() >= kMaxImportDepth) {
      problems_.push_back(document_problem(
          kNotJson, pointer(), fmt::format("nests deeper than {} levels; the format nests 7 deep", kMaxImportDepth)));
      return false;
    }
    frames_.emplace_back().is_array = is_array;
    return true;
  }
  bool close() {
    frames_.pop_back();
    return next();
  }
  bool next() {
    if (!frames_.empty()) ++frames_.back().count;
    return true;
  }
  std::string pointer() const {
    std::string text;
    for (const Frame& frame : frames_) {
      text += fmt::format("/{}", frame.is_array ? std::to_string(frame.count) : frame.part);
    }
    return text;
  }

  std::string_view text_;
  Problems& problems_;
  std::vector<Frame> frames_;
};

}  // namespace

ParsedJson parse_json(std::string_view text) {
  ParsedJson parsed;
  if (text.size() > kMaxImportBytes) {
    parsed.problems.push_back(document_problem(
        kTooMany, "", fmt::format("has {} octets; accepted are at most {}", text.size(), kMaxImportBytes)));
    return parsed;
  }
  Scanner scanner(text, parsed.problems);
  if (!nlohmann::json::sax_parse(text, &scanner)) return parsed;
  parsed.document = nlohmann::json::parse(text, nullptr, false);
  return parsed;
}

std::string pointer_part(std::string_view key) {
  std::string part;
  for (char c : key) {
    if (c == '~') {
      part += "~0";
    } else if (c == '/') {
      part += "~1";
    } else {
      part.push_back(c);
    }
  }
  return part;
}

template <typename Json>
void wipe_secrets(Json& document) {
  if (!document.is_structured()) return;
  for (auto item = document.begin(); item != document.end(); ++item) {
    if (document.is_object() && item->is_string() && (item.key() == "psk" || item.key() == "psk_hex")) {
      auto& text = item->template get_ref<std::string&>();
      wipe_memory(text.data(), text.size());
    }
    wipe_secrets(*item);
  }
}
template void wipe_secrets(nlohmann::json& document);
template void wipe_secrets(nlohmann::ordered_json& document);

}  // namespace ipsec::store
