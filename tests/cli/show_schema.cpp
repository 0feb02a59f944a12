#include "tests/cli/show_schema.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include <google/protobuf/descriptor.h>

#include "cli/show_json.h"
#include "cli/text.h"
#include "proto/policyagent.pb.h"
#include "services/common/rpc/convert.h"

namespace ipsec::cli::tests {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using Json = nlohmann::ordered_json;

// What a command shows: one message. `show all` of the dynamic context adds parts to its message.
struct CommandRow {
  const char* command;
  const Descriptor* result;
};

std::vector<CommandRow> command_rows() {
  const Descriptor* stored = proto::ReadReply::descriptor();
  const Descriptor* compiled = proto::CompiledPolicyReply::descriptor();
  return {
      {"static show all", stored},
      {"static show filteraction", stored},
      {"static show filterlist", stored},
      {"static show gpoassignedpolicy", proto::AgentStatus::descriptor()},
      {"static show policy", stored},
      {"static show rule", stored},
      {"static show store", proto::StoreListing::descriptor()},
      {"static lint", proto::LintReply::descriptor()},
      {"dynamic explain", proto::PacketTrace::descriptor()},
      {"dynamic show all", compiled},
      {"dynamic show certificates", proto::ListCertificatesReply::descriptor()},
      {"dynamic show config", proto::DynamicPolicy::descriptor()},
      {"dynamic show exemptions", compiled},
      {"dynamic lint", proto::LintReply::descriptor()},
      {"dynamic show events", proto::ListEventsReply::descriptor()},
      {"dynamic show mmfilter", compiled},
      {"dynamic show mmpolicy", proto::IkePolicy::descriptor()},
      {"dynamic show mmsas", proto::ListMainModeSasReply::descriptor()},
      {"dynamic show negotiations", proto::ListFailedNegotiationsReply::descriptor()},
      {"dynamic show qmfilter", compiled},
      {"dynamic show qmpolicy", proto::IkePolicy::descriptor()},
      {"dynamic show qmsas", proto::ListSasReply::descriptor()},
      {"dynamic show sas", proto::ListSasReply::descriptor()},
      {"dynamic show rule", compiled},
      {"dynamic show stats", proto::Statistics::descriptor()},
      {"dynamic show status", proto::AgentStatus::descriptor()},
      {"dynamic trace", proto::PacketTrace::descriptor()},
  };
}

// Parts of `dynamic show all` besides its message.
const std::pair<const char*, const Descriptor*> kRunningParts[] = {
    {"main_mode_sas", proto::ListMainModeSasReply::descriptor()},
    {"quick_mode_sas", proto::ListSasReply::descriptor()},
    {"statistics", proto::Statistics::descriptor()},
};

Json reference(const std::string& name) { return {{"$ref", "#/definitions/" + name}}; }
Json or_null(Json schema) { return {{"anyOf", Json::array({std::move(schema), Json{{"type", "null"}}})}}; }

class Generator {
 public:
  Json run() {
    Json results = Json::array();
    for (const CommandRow& row : command_rows()) {
      const bool is_all = std::string_view(row.command) == "dynamic show all";
      results.push_back({{"properties",
                          {{"command", {{"enum", Json::array({row.command})}}},
                           {"result", is_all ? running(*row.result) : message(*row.result)}}}});
    }
    Json schema = {
        {"$schema", "http://json-schema.org/draft-07/schema#"},
        {"title", "What netsh prints with --json"},
        {"description",
         "Every `show` and `lint` prints one object. `result` holds the answer of the Policy Agent with the field "
         "names of "
         "proto/*.proto, whose comments say what each means. Fields may be added under the same schema number; none is "
         "renamed, removed or given another meaning."},
        {"type", "object"},
        {"required", Json::array({"schema", "command", "result"})},
        {"properties",
         {{"schema", {{"enum", Json::array({std::string(kShowSchema)})}}},
          {"command", {{"type", "string"}}},
          {"result", {{"type", "object"}}}}},
        {"oneOf", std::move(results)},
    };
    schema["definitions"] = Json::object();
    for (auto& [name, definition] : definitions_) schema["definitions"][name] = std::move(definition);
    return schema;
  }

 private:
  Json message(const Descriptor& type) {
    if (&type == proto::Address::descriptor()) {
      return define("Address", {{"type", "string"}, {"description", "IPv4 or IPv6: 10.0.0.1"}});
    }
    if (&type == proto::AddressRange::descriptor()) {
      return define(
          "AddressRange",
          {{"type", "string"}, {"description", "10.0.0.1, 10.0.0.0/8 or 10.0.0.1-10.0.0.9; any is 0.0.0.0/0 or ::/0"}});
    }
    if (&type == proto::StoredPresharedKey::descriptor()) return secret();
    if (definitions_.contains(type.name())) return reference(type.name());
    definitions_[type.name()] = nullptr;  // stops at messages that hold themselves
    return define(type.name(), object(type));
  }

  Json define(const std::string& name, Json definition) {
    definitions_[name] = std::move(definition);
    return reference(name);
  }

  Json object(const Descriptor& type) {
    Json schema = {{"type", "object"}};
    Json required = Json::array();
    Json properties = Json::object();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      const bool is_choice = field.real_containing_oneof() != nullptr;
      if (field.type() == FieldDescriptor::TYPE_BYTES && !is_choice) continue;
      if (!is_choice) required.push_back(field.name());
      properties[field.name()] = property(field);
    }
    if (!required.empty()) schema["required"] = std::move(required);
    schema["properties"] = std::move(properties);
    return schema;
  }

  Json property(const FieldDescriptor& field) {
    if (field.is_map())
      return {{"type", "object"}, {"additionalProperties", value(*field.message_type()->map_value())}};
    if (field.is_repeated()) return {{"type", "array"}, {"items", value(field)}};
    const bool may_be_absent = field.has_presence() && field.real_containing_oneof() == nullptr;
    return may_be_absent ? or_null(value(field)) : value(field);
  }

  Json value(const FieldDescriptor& field) {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return message(*field.message_type());
      case FieldDescriptor::CPPTYPE_ENUM:
        return enumeration(*field.enum_type());
      case FieldDescriptor::CPPTYPE_BOOL:
        return {{"type", "boolean"}};
      case FieldDescriptor::CPPTYPE_STRING:
        if (field.type() == FieldDescriptor::TYPE_BYTES) return secret();
        return {{"type", "string"}};
      case FieldDescriptor::CPPTYPE_DOUBLE:
      case FieldDescriptor::CPPTYPE_FLOAT:
        return {{"type", "number"}};
      default:
        if (field.type() == FieldDescriptor::TYPE_FIXED64) return identifier();
        return {{"type", "integer"}};
    }
  }

  Json identifier() { return define("Identifier", {{"type", "string"}, {"pattern", "^0x[0-9a-f]{16}$"}}); }
  Json secret() {
    return define(
        "Secret",
        {{"type", "object"},
         {"description", "There is a key; it is never told."},
         {"required", Json::array({"key", "is_set"})},
         {"properties",
          {{"key", {{"enum", Json::array({std::string(kHiddenKey), nullptr})}}}, {"is_set", {{"type", "boolean"}}}}}});
  }

  // In lower case without the prefix that all its values share; null where nothing is given.
  Json enumeration(const EnumDescriptor& type) {
    const std::size_t prefix = type.value(0)->name().size() - std::string_view("UNSPECIFIED").size();
    Json words = Json::array({nullptr});
    for (int i = 1; i < type.value_count(); ++i) {
      std::string word = type.value(i)->name().substr(prefix);
      std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
      words.push_back(word);
    }
    return define(type.name(), {{"enum", std::move(words)}});
  }

  Json running(const Descriptor& type) {
    Json schema = object(type);
    for (const auto& [name, part] : kRunningParts) {
      schema["required"].push_back(name);
      schema["properties"][name] = or_null(message(*part));
    }
    return define("Running", std::move(schema));
  }

  std::map<std::string, Json> definitions_;
};

}  // namespace

Json show_schema() { return Generator().run(); }

std::vector<std::string> commands_of_schema() {
  std::vector<std::string> commands;
  for (const CommandRow& row : command_rows()) commands.emplace_back(row.command);
  return commands;
}

}  // namespace ipsec::cli::tests
