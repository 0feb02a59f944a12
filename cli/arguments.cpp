#include "cli/arguments.h"

#include <algorithm>
#include <cassert>

namespace ipsec::cli {

namespace {

constexpr unsigned kFirstParseCode = 5980;

// A value with its tag where it has one.
struct Item {
  std::optional<std::string_view> tag;
  std::string value;
};

ParseError error(const CommandRow& row, ParseErrorKind kind, std::string text) { return {kind, std::move(text), &row}; }

bool begins_with_separator(const Word& word) { return !word.quoted_first && word.text.starts_with('='); }

// True if the word begins the next parameter of this command.
bool is_tagged(const CommandRow& row, const Word& word) {
  const std::size_t equals = word.text.find('=');
  return equals != std::string::npos && equals > 0 && find_parameter(row, word.text.substr(0, equals)) != nullptr;
}

// Joins tag, '=' and value, between which blanks may stand.
class ItemReader {
 public:
  ItemReader(const CommandRow& row, std::span<const Word> words) : row_(row), words_(words) {}

  bool at_end() const { return next_ == words_.size(); }

  Item take() {
    const Word& word = words_[next_++];
    const std::size_t equals = word.text.find('=');
    if (equals != std::string::npos && equals > 0) {
      Item item{std::string_view(word.text).substr(0, equals), word.text.substr(equals + 1)};
      if (item.value.empty() && !word.quoted_last) take_value(item);
      return item;
    }
    if (at_end() || !begins_with_separator(words_[next_])) return {std::nullopt, word.text};
    const Word& separator = words_[next_++];
    Item item{word.text, separator.text.substr(1)};
    if (item.value.empty() && !separator.quoted_last) take_value(item);
    return item;
  }

 private:
  // The value stands in the next word, unless that begins the next parameter: `description= assign=y`.
  void take_value(Item& item) {
    if (!at_end() && !is_tagged(row_, words_[next_])) item.value = words_[next_++].text;
  }

  const CommandRow& row_;
  std::span<const Word> words_;
  std::size_t next_ = 0;
};

template <typename T>
Result<Value> as_value(Result<T> parsed) {
  if (!parsed.ok()) return parsed.status();
  return Value(*std::move(parsed));
}

Result<Value> parse_choice(const Parameter& parameter, std::string_view text) {
  for (const std::string_view word : parameter.choices) {
    if (is_abbreviation(text, word)) return Value(std::string(word));
  }
  return invalid("expected " + accepted(parameter));
}

Result<Value> parse_rule_id(std::string_view text) {
  const auto number = parse_number(text, 1, 0xffffffff, {});
  if (number.ok()) return Value(*number);
  auto guid = parse_guid(text);
  if (guid.ok()) return Value(*std::move(guid));
  return invalid("expected the number or the guid that `show rule` gives");
}

Result<Value> parse_pfs_group(std::string_view text) {
  std::string_view number = text;
  if (is_abbreviation(number.substr(0, 3), "grp") && number.size() > 3) number.remove_prefix(3);
  if (equal_ignoring_case(number, "mm")) return Value(DhGroup::kNone);
  if (const auto group = parse_dh_group(number)) return Value(*group);
  return invalid("expected GRPMM or a group: " + accepted_dh_groups());
}

// "grp2", "2" or "modp1024" as the name of the group.
Result<Value> parse_pfs(std::string_view text) {
  if (is_abbreviation(text, "nopfs")) return Value(std::string("none"));
  const auto group = parse_pfs_group(text);
  if (!group.ok()) return invalid("expected NOPFS, GRPMM or a group: " + accepted_dh_groups());
  const DhGroup found = std::get<DhGroup>(*group);
  return Value(found == DhGroup::kNone ? std::string("mm") : std::string(info(found).name));
}

Result<Value> parse_value(const Parameter& parameter, const std::string& text) {
  switch (parameter.kind) {
    case Kind::kYesNo:
      return as_value(parse_yes_no(text));
    case Kind::kText:
      if (text.empty() && parameter.has(kRequired)) return invalid("expected a text");
      return Value(text);
    case Kind::kNumber:
      return as_value(parse_number(text, parameter.minimum, parameter.maximum, parameter.unit));
    case Kind::kPort:
      return as_value(parse_number(text, 0, 65535, {}));
    case Kind::kProtocol:
      return as_value(parse_protocol(text));
    case Kind::kAddress:
      return as_value(parse_address(text));
    case Kind::kMask:
      return as_value(parse_mask(text));
    case Kind::kTunnelEnd:
      return as_value(parse_tunnel_end(text));
    case Kind::kChoice:
      return parse_choice(parameter, text);
    case Kind::kGuid:
      return as_value(parse_guid(text));
    case Kind::kRuleId:
      return parse_rule_id(text);
    case Kind::kDhGroup:
      return parse_pfs_group(text);
    case Kind::kPfs:
      return parse_pfs(text);
    case Kind::kMainModeMethods:
      return as_value(parse_main_mode_methods(text));
    case Kind::kQuickModeMethods:
      return as_value(parse_quick_mode_methods(text));
    case Kind::kSecret:
      if (text.empty()) return invalid("expected a key of at least one character");
      return Value(SecretBytes(text));
    case Kind::kKey:
      return as_value(parse_key(text));
    case Kind::kSpi:
      return as_value(parse_spi(text));
    case Kind::kManualMethod:
      return as_value(parse_manual_method(text));
    case Kind::kRootCa:
      return as_value(parse_root_ca(text));
    case Kind::kAllOnly:
      return invalid("expected the bare word all");
  }
  assert(false);
  return invalid("not a kind of value");
}

class ArgumentParser {
 public:
  explicit ArgumentParser(const CommandRow& row) : row_(row) { command_.row = &row; }

  std::optional<ParseError> parse(std::span<const Word> words) {
    std::vector<Item> items;
    for (ItemReader reader(row_, words); !reader.at_end();) items.push_back(reader.take());
    has_key_ = mentions_key(words);
    if (auto problem = find_tags(items)) return problem;
    for (const Item& item : items) {
      if (auto problem = item.tag ? set_tagged(item) : set_bare(item)) return problem;
    }
    if (auto problem = find_missing()) return problem;
    return check_filter();
  }

  Command take() { return std::move(command_); }

 private:
  bool is_taken(const Parameter& parameter) const {
    return std::any_of(taken_.begin(), taken_.end(), [&](const Parameter* other) {
      return other == &parameter || (parameter.group != 0 && other->group == parameter.group);
    });
  }

  // All tags of the line first: a bare word never goes to a parameter that a later word names.
  std::optional<ParseError> find_tags(const std::vector<Item>& items) {
    for (const Item& item : items) {
      if (!item.tag) continue;
      const Parameter* parameter = find_parameter(row_, *item.tag);
      if (parameter == nullptr) {
        return error(row_, ParseErrorKind::kUnknownTag,
                     fmt::format("'{}' is not a valid tag of this command; it takes {}", *item.tag, tags()));
      }
      if (is_taken(*parameter) && !parameter->has(kRepeatable)) return taken_twice(*parameter);
      taken_.push_back(parameter);
    }
    return std::nullopt;
  }

  ParseError taken_twice(const Parameter& parameter) const {
    for (const Parameter* other : taken_) {
      if (other->group != parameter.group || other == &parameter || parameter.group == 0) continue;
      return error(row_, ParseErrorKind::kWrongCombination,
                   fmt::format("'{}' and '{}' exclude one another; give one of them", other->tag, parameter.tag));
    }
    return error(row_, ParseErrorKind::kDuplicateTag,
                 fmt::format("the tag '{}' is already present; give it once", parameter.tag));
  }

  std::string tags() const {
    std::string text;
    for (const Parameter& parameter : row_.parameters) {
      if (parameter.kind == Kind::kAllOnly) continue;
      text += (text.empty() ? "" : ", ") + std::string(parameter.tag);
    }
    return text.empty() ? "no parameters" : text;
  }

  std::optional<ParseError> set_tagged(const Item& item) {
    return set(*find_parameter(row_, *item.tag), item.value, true);
  }

  std::optional<ParseError> set_bare(const Item& item) {
    const bool is_all = equal_ignoring_case(item.value, "all");
    for (const Parameter& parameter : row_.parameters) {
      if (is_taken(parameter) || parameter.has(kTagOnly)) continue;
      if (parameter.kind == Kind::kAllOnly && !is_all) continue;
      taken_.push_back(&parameter);
      if (is_all && (parameter.has(kTakesAll) || parameter.kind == Kind::kAllOnly)) {
        command_.arguments.push_back({&parameter, Keyword::kAll});
        return std::nullopt;
      }
      if (parameter.has(kTakesDefault) && equal_ignoring_case(item.value, "default")) {
        command_.arguments.push_back({&parameter, Keyword::kDefault});
        return std::nullopt;
      }
      return set(parameter, item.value, !has_key_);
    }
    const std::string shown = has_key_ ? "a word" : fmt::format("'{}'", item.value);
    return error(row_, ParseErrorKind::kTooManyWords,
                 fmt::format("{} is one word too many; text with blanks needs double quotes", shown));
  }

  // A bare word beside a preshared key may be the rest of a key with blanks and is not shown.
  std::optional<ParseError> set(const Parameter& parameter, const std::string& text, bool may_show) {
    auto value = parse_value(parameter, text);
    if (value.ok()) {
      command_.arguments.push_back({&parameter, *std::move(value)});
      return std::nullopt;
    }
    const bool is_shown = may_show && parameter.kind != Kind::kSecret && parameter.kind != Kind::kKey;
    const std::string shown = is_shown ? fmt::format("'{}'", text) : "the value";
    return error(row_, ParseErrorKind::kWrongValue,
                 fmt::format("{} is not valid for '{}': {}", shown, parameter.tag, value.status().message()));
  }

  std::optional<ParseError> find_missing() const {
    for (const Parameter& parameter : row_.parameters) {
      if (!parameter.has(kRequired) || is_taken(parameter)) continue;
      return error(row_, ParseErrorKind::kMissingRequired,
                   fmt::format("'{}' is required; expected {}", parameter.tag, accepted(parameter)));
    }
    return std::nullopt;
  }

  // Masks beside their addresses, and server keywords beside the other side.
  std::optional<ParseError> check_filter() const {
    for (const auto& [address_tag, mask_tag] : {std::pair("srcaddr", "srcmask"), std::pair("dstaddr", "dstmask")}) {
      const auto* address = command_.get<AddressValue>(address_tag);
      const auto* mask = command_.get<Mask>(mask_tag);
      if (mask == nullptr) continue;
      if (address == nullptr) {
        return error(row_, ParseErrorKind::kWrongCombination,
                     fmt::format("'{}' needs '{}' beside it", mask_tag, address_tag));
      }
      const auto both = apply_mask(*address, *mask);
      if (!both.ok()) {
        return error(row_, ParseErrorKind::kWrongCombination,
                     fmt::format("'{}': {}", mask_tag, both.status().message()));
      }
    }
    return check_server_keywords();
  }

  std::optional<ParseError> check_server_keywords() const {
    const auto* source = command_.get<AddressValue>("srcaddr");
    const auto* destination = command_.get<AddressValue>("dstaddr");
    if (source == nullptr || destination == nullptr) return std::nullopt;
    for (const auto& [side, other] : {std::pair(source, destination), std::pair(destination, source)}) {
      const auto* keyword = std::get_if<AddressKeyword>(side);
      if (keyword == nullptr || *keyword == AddressKeyword::kMe || *keyword == AddressKeyword::kAny) continue;
      if (*other == AddressValue(AddressKeyword::kMe)) continue;
      return error(row_, ParseErrorKind::kWrongCombination,
                   fmt::format("the other side of the server keyword '{}' has to be me", name(*keyword)));
    }
    return std::nullopt;
  }

  const CommandRow& row_;
  Command command_;
  std::vector<const Parameter*> taken_;
  bool has_key_ = false;
};

std::string range_of(const Parameter& parameter) {
  return fmt::format("{}..{}{}{}", parameter.minimum, parameter.maximum, parameter.unit.empty() ? "" : " ",
                     parameter.unit);
}

}  // namespace

unsigned code_of(ParseErrorKind kind) { return kFirstParseCode + static_cast<unsigned>(kind); }

const Parameter* find_parameter(const CommandRow& row, std::string_view tag) {
  const Parameter* found = nullptr;
  for (const Parameter& parameter : row.parameters) {
    if (parameter.kind == Kind::kAllOnly) continue;
    if (equal_ignoring_case(tag, parameter.tag)) return &parameter;
    if (found == nullptr && is_abbreviation(tag, parameter.tag)) found = &parameter;
  }
  return found;
}

bool has_json_form(const CommandRow& row) { return row.verb == "show" || row.verb == "lint"; }

std::variant<Command, ParseError> parse_arguments(const CommandRow& row, std::span<const Word> words) {
  const bool json = has_json_form(row) && !words.empty() && words.back().text == "--json";
  if (json) words = words.first(words.size() - 1);
  const bool with_secrets =
      row.id == CommandId::kExportPolicy && !words.empty() && words.back().text == "--with-secrets";
  if (with_secrets) words = words.first(words.size() - 1);
  ArgumentParser parser(row);
  if (auto problem = parser.parse(words)) return *std::move(problem);
  Command command = parser.take();
  command.json = json;
  command.with_secrets = with_secrets || command.yes("secrets", false);
  return command;
}

std::string accepted(const Parameter& parameter) {
  switch (parameter.kind) {
    case Kind::kYesNo:
      return "yes|no";
    case Kind::kText:
      return parameter.has(kTakesDefault) ? "string|all|default" : parameter.has(kTakesAll) ? "string|all" : "string";
    case Kind::kNumber:
      return range_of(parameter);
    case Kind::kPort:
      return "0..65535";
    case Kind::kProtocol:
      return "ANY|ICMP|TCP|UDP|RAW|0..255";
    case Kind::kAddress:
      return "ip|ip-ip|dns|me|any|WINS|DNS|DHCP|GATEWAY";
    case Kind::kMask:
      return "mask|prefix";
    case Kind::kTunnelEnd:
      return "ip|dns";
    case Kind::kGuid:
      return "guid";
    case Kind::kRuleId:
      return "number|guid";
    case Kind::kDhGroup:
      return "GRPMM|1|2|3|14|...";
    case Kind::kPfs:
      return "NOPFS|GRPMM|GRP1|GRP2|GRP3|GRP14|...";
    case Kind::kMainModeMethods:
      return "Conf-Hash-Group ...";
    case Kind::kQuickModeMethods:
      return "AH[Hash]+ESP[Conf,Auth]:KBk/SECs ...";
    case Kind::kSecret:
      return "string";
    case Kind::kKey:
      return "hex";
    case Kind::kSpi:
      return "256..4294967295|0x100..0xffffffff";
    case Kind::kManualMethod:
      return "AH[Hash]+ESP[Conf,Auth]";
    case Kind::kRootCa:
      return "\"issuer certmap:(yes|no) excludecaname:(yes|no)\"";
    case Kind::kAllOnly:
      return "all";
    case Kind::kChoice:
      break;
  }
  std::string text;
  for (const std::string_view word : parameter.choices) text += (text.empty() ? "" : "|") + std::string(word);
  return text;
}

AddressValue address_of(const Command& command, std::string_view address_tag, std::string_view mask_tag) {
  const auto* address = command.get<AddressValue>(address_tag);
  assert(address != nullptr);
  const auto* mask = command.get<Mask>(mask_tag);
  return *apply_mask(*address, mask == nullptr ? std::nullopt : std::optional(*mask));
}

}  // namespace ipsec::cli
