#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace google::protobuf {
class Message;
}

// The machine form of every `show`: one JSON object {"schema": "policyagent-show/1", "command", "result"}. Pure.
//
// `result` is the agent's answer with the field names of proto/*.proto, every field of a message present:
//   addresses "10.0.0.1" · address ranges "10.0.0.0/8" or "a-b" · enumerations in lower case, without their
//   prefix ("negotiate"), null where nothing is given · fixed64 (ids, cookies) "0x" and 16 digits · absent messages and
//   optional fields null · other numbers, texts and truth values as they are. Keys are never part of it:
//   a preshared key method is {"preshared_key": {"key": "****", "is_set": true}}.
// Fields may be added under the same schema number; none is renamed or given another meaning. The published schema is
// cli/show.schema.json.
namespace ipsec::cli {

inline constexpr std::string_view kShowSchema = "policyagent-show/1";

// One message in that form.
nlohmann::ordered_json message_json(const google::protobuf::Message& message);

// The document around a result. Two spaces of indentation, a line feed at the end.
std::string show_json(std::string_view command, nlohmann::ordered_json result);
std::string show_json(std::string_view command, const google::protobuf::Message& result);

}  // namespace ipsec::cli
