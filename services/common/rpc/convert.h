#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/common.pb.h"
#include "services/common/address.h"
#include "services/common/algorithms.h"
#include "services/common/result.h"
#include "services/common/selector.h"

namespace ipsec {
namespace proto = ::policyagent::v1;
}

// The shared messages as plain values and back. Everything that comes in is checked here: from_proto names `field`,
// what was found and what would be accepted.
namespace ipsec::rpc {

proto::Address to_proto(const IpAddress& address);
proto::AddressRange to_proto(const AddressRange& range);
proto::PortRange to_proto(const PortRange& range);
proto::Selector to_proto(const Selector& selector);
proto::FiveTuple to_proto(const FiveTuple& tuple);
proto::Endpoint to_proto(const Endpoint& endpoint);
proto::Cipher to_proto(Cipher cipher);
proto::Integrity to_proto(Integrity integrity);
std::uint32_t to_proto(DhGroup group);  // IANA number; 0 for kNone

Result<IpAddress> from_proto(const proto::Address& message, std::string_view field);
// Both ends of one family, low end first.
Result<AddressRange> from_proto(const proto::AddressRange& message, std::string_view field);
Result<PortRange> from_proto(const proto::PortRange& message, std::string_view field);
// Both ranges of one family. Absent ports are any; ports other than any only with TCP and UDP.
Result<Selector> from_proto(const proto::Selector& message, std::string_view field);
Result<FiveTuple> from_proto(const proto::FiveTuple& message, std::string_view field);
Result<Endpoint> from_proto(const proto::Endpoint& message, std::string_view field);
// Unspecified is refused.
Result<Cipher> from_proto(proto::Cipher value, std::string_view field);
Result<Integrity> from_proto(proto::Integrity value, std::string_view field);
// 0 is kNone.
Result<DhGroup> dh_group_from_proto(std::uint32_t number, std::string_view field);

// Unsigned fields that must fit a smaller type.
Result<std::uint8_t> octet_from_proto(std::uint32_t value, std::string_view field);
Result<std::uint16_t> port_from_proto(std::uint32_t value, std::string_view field);

}  // namespace ipsec::rpc
