#include "tests/cli/describe.h"

#include <gtest/gtest.h>

namespace ipsec::cli::tests {

namespace {

struct ValueText {
  std::string operator()(bool value) const { return value ? "yes" : "no"; }
  std::string operator()(std::uint32_t value) const { return std::to_string(value); }
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(Keyword value) const { return value == Keyword::kAll ? "<all>" : "<default>"; }
  std::string operator()(DhGroup value) const { return std::string(info(value).name); }
  std::string operator()(const AddressValue& value) const {
    if (const auto* keyword = std::get_if<AddressKeyword>(&value)) return fmt::format("<{}>", name(*keyword));
    if (const auto* range = std::get_if<AddressRange>(&value)) return range->to_string();
    return fmt::format("dns:{}", std::get<HostName>(value).text);
  }
  std::string operator()(const Mask& value) const { return fmt::format("/{}", value.prefix_length); }
  std::string operator()(const SecretBytes& value) const { return std::string(value.reveal_text()); }
  std::string operator()(const RootCa& value) const {
    return fmt::format("[{} map={} exclude={}]", value.issuer, value.map_to_account, value.exclude_ca_name);
  }
  template <typename Offer>
  std::string operator()(const std::vector<Offer>& offers) const {
    std::string text;
    for (const Offer& offer : offers) text += (text.empty() ? "" : " ") + to_string(offer);
    return text;
  }
};

struct LineText {
  std::string operator()(const NothingToDo&) const { return "nothing"; }
  std::string operator()(const EnterContext& line) const { return fmt::format("enter {}", row_of(line.context).path); }
  std::string operator()(const ShellLine& line) const {
    std::string text = "shell";
    for (const ShellRow& row : shell_commands()) {
      if (row.verb == line.verb && text == "shell") text = fmt::format("shell {}", row.name);
    }
    for (const Word& word : line.arguments) text += " " + word.text;
    return text;
  }
  std::string operator()(const HelpRequest& line) const {
    if (line.row != nullptr) return fmt::format("help {} {}", line.row->verb, line.row->object);
    if (!line.verb.empty()) return fmt::format("help {}", line.verb);
    return fmt::format("help {}", row_of(line.context).path);
  }
  std::string operator()(const Command& command) const {
    std::string text(command.row->verb);
    if (!command.row->object.empty()) text += fmt::format(" {}", command.row->object);
    for (const Argument& argument : command.arguments) {
      text += fmt::format(" | {}={}", argument.parameter->tag, std::visit(ValueText{}, argument.value));
    }
    return command.json ? text + " | --json" : text;
  }
  std::string operator()(const ParseError& error) const { return fmt::format("error {}", code_of(error.kind)); }
};

}  // namespace

std::string describe(const Line& line) { return std::visit(LineText{}, line); }

Line parse(std::string_view text, ContextId context) { return parse_line(context, split_words(text)); }

std::string described(std::string_view text, ContextId context) { return describe(parse(text, context)); }

ParseError parse_error(std::string_view text, ContextId context) {
  const Line line = parse(text, context);
  if (const auto* error = std::get_if<ParseError>(&line)) return *error;
  ADD_FAILURE() << text << " was understood as: " << describe(line);
  return {};
}

}  // namespace ipsec::cli::tests
