#include "cli/show_json.h"

#include <algorithm>
#include <cctype>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <nlohmann/json.hpp>

#include "cli/text.h"
#include "proto/policyagent.pb.h"
#include "services/common/rpc/convert.h"

namespace ipsec::cli {

namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Json = nlohmann::ordered_json;

Json of_message(const Message& message);

// "ACTION_NEGOTIATE" of enumeration Action: "negotiate".
Json of_enumeration(const EnumValueDescriptor& value) {
  if (value.number() == 0) return nullptr;
  std::string name = value.name();
  // The prefix is the enumeration's name with underscores: as long as the zero value's name without UNSPECIFIED.
  const std::string& zero = value.type()->FindValueByNumber(0)->name();
  name.erase(0, zero.size() - std::string_view("UNSPECIFIED").size());
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}

// One value of a field, `index` counting only where it is repeated. Reflection has two names for everything; this is
// the one place that knows them.
Json of_value(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  const bool many = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return many ? reflection.GetRepeatedInt32(message, &field, index) : reflection.GetInt32(message, &field);
    case FieldDescriptor::CPPTYPE_INT64:
      return many ? reflection.GetRepeatedInt64(message, &field, index) : reflection.GetInt64(message, &field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return many ? reflection.GetRepeatedUInt32(message, &field, index) : reflection.GetUInt32(message, &field);
    case FieldDescriptor::CPPTYPE_UINT64: {
      const std::uint64_t value =
          many ? reflection.GetRepeatedUInt64(message, &field, index) : reflection.GetUInt64(message, &field);
      if (field.type() == FieldDescriptor::TYPE_FIXED64) return fmt::format("{:#018x}", value);
      return value;
    }
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return many ? reflection.GetRepeatedDouble(message, &field, index) : reflection.GetDouble(message, &field);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return many ? reflection.GetRepeatedFloat(message, &field, index) : reflection.GetFloat(message, &field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return many ? reflection.GetRepeatedBool(message, &field, index) : reflection.GetBool(message, &field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return of_enumeration(
          *(many ? reflection.GetRepeatedEnum(message, &field, index) : reflection.GetEnum(message, &field)));
    case FieldDescriptor::CPPTYPE_STRING:
      return many ? reflection.GetRepeatedString(message, &field, index) : reflection.GetString(message, &field);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return of_message(many ? reflection.GetRepeatedMessage(message, &field, index)
                             : reflection.GetMessage(message, &field));
  }
  return nullptr;
}

Json of_map(const Message& message, const FieldDescriptor& field) {
  Json object = Json::object();
  const Reflection& reflection = *message.GetReflection();
  std::vector<std::pair<std::string, Json>> entries;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    const auto& type = *entry.GetDescriptor();
    entries.emplace_back(of_value(entry, *type.map_key(), 0).get<std::string>(), of_value(entry, *type.map_value(), 0));
  }
  // A map has no order of its own; the output has to have one.
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [key, value] : entries) object[key] = std::move(value);
  return object;
}

Json of_field(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  if (field.is_map()) return of_map(message, field);
  if (!field.is_repeated()) {
    const bool is_absent = field.has_presence() && !reflection.HasField(message, &field);
    return is_absent ? Json(nullptr) : of_value(message, field, 0);
  }
  Json array = Json::array();
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) array.push_back(of_value(message, field, i));
  return array;
}

Json of_address(const Message& message) {
  const auto address = rpc::from_proto(static_cast<const proto::Address&>(message), "");
  return address.ok() ? Json(address->to_string()) : Json(nullptr);
}

// Every address of a family is its empty prefix: the word "any" would not say which family.
Json of_range(const Message& message) {
  const auto range = rpc::from_proto(static_cast<const proto::AddressRange&>(message), "");
  if (!range.ok()) return nullptr;
  return range->is_any() ? range->as_subnet()->to_string() : range->to_string();
}

Json hidden_key(bool is_set) { return {{"key", is_set ? Json(kHiddenKey) : Json(nullptr)}, {"is_set", is_set}}; }

Json of_message(const Message& message) {
  const auto* type = message.GetDescriptor();
  if (type == proto::Address::descriptor()) return of_address(message);
  if (type == proto::AddressRange::descriptor()) return of_range(message);
  Json object = Json::object();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor& field = *type->field(i);
    // Of a choice, only what was chosen.
    const auto* choice = field.real_containing_oneof();
    if (choice != nullptr && !message.GetReflection()->HasField(message, &field)) continue;
    // Bytes are keys; the only other ones are inside addresses. A key that was chosen is there, and not told.
    if (field.type() == FieldDescriptor::TYPE_BYTES) {
      if (choice != nullptr) object[field.name()] = hidden_key(true);
    } else if (field.message_type() == proto::StoredPresharedKey::descriptor()) {
      const auto& stored = message.GetReflection()->GetMessage(message, &field);
      object[field.name()] = hidden_key(static_cast<const proto::StoredPresharedKey&>(stored).is_set());
    } else {
      object[field.name()] = of_field(message, field);
    }
  }
  return object;
}

}  // namespace

Json message_json(const Message& message) { return of_message(message); }

std::string show_json(std::string_view command, Json result) {
  Json document = Json::object();
  document["schema"] = kShowSchema;
  document["command"] = command;
  document["result"] = std::move(result);
  // Texts of peers may be no UTF-8; what is not gets the replacement character.
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string show_json(std::string_view command, const Message& result) {
  return show_json(command, of_message(result));
}

}  // namespace ipsec::cli
