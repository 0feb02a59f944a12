#pragma once

#include <string>

#include "cli/arguments.h"
#include "cli/command.h"
#include "proto/policyagent.pb.h"
#include "services/common/rpc/convert.h"

// From the values of a command to the messages of the agent. Pure, but for the resolver that is passed in.
namespace ipsec::cli {

proto::StoredAddress to_proto(const AddressValue& address);
proto::StoredMainModeOfferList to_proto(const std::vector<MainModeOffer>& offers);
proto::StoredQuickModeOfferList to_proto(const std::vector<QuickModeOffer>& offers);

// The object that `name` or `guid` (or another tag for it) names. Requires one of them.
proto::ObjectReference reference_of(const Command& command, std::string_view guid_tag = "guid");

// The methods stated on the line, in its order. `kerberos=no` states none. Empty: none is stated.
proto::StoredAuthenticationList authentication_of(const Command& command);

// The filter that the selector parameters describe.
proto::StoredFilter filter_of(const Command& command);

proto::Action action_of(const std::string& word);

// Setters of optional fields, called only if the parameter was given.
template <typename Message>
void set_yes_no(const Command& command, std::string_view tag, Message& message, void (Message::*setter)(bool)) {
  if (const bool* value = command.get<bool>(tag)) (message.*setter)(*value);
}
template <typename Message>
void set_number(const Command& command, std::string_view tag, Message& message,
                void (Message::*setter)(std::uint32_t)) {
  if (const std::uint32_t* value = command.get<std::uint32_t>(tag)) (message.*setter)(*value);
}

// Text fields have no setter of one type; `target` is the message's mutable_...() and is called only if given.
template <typename Target>
void set_text(const Command& command, std::string_view tag, Target target) {
  if (const std::string* value = command.get<std::string>(tag)) *target() = *value;
}

}  // namespace ipsec::cli
