#include "cli/commands/narrowing.h"

#include <algorithm>

#include "cli/arguments.h"
#include "cli/words.h"

namespace ipsec::cli {

namespace {

std::vector<AddressRange> every_address() {
  return {AddressRange::any(AddressFamily::kIpv4), AddressRange::any(AddressFamily::kIpv6)};
}

std::vector<AddressRange> hosts(const std::vector<IpAddress>& addresses) {
  std::vector<AddressRange> ranges;
  for (const IpAddress& address : addresses) ranges.push_back(AddressRange::host(address));
  return ranges;
}

std::vector<AddressRange> one(const Result<AddressRange>& range) {
  return range.ok() ? std::vector{*range} : std::vector<AddressRange>();
}

std::vector<AddressRange> one(const Result<IpAddress>& address) {
  return address.ok() ? std::vector{AddressRange::host(*address)} : std::vector<AddressRange>();
}

std::optional<std::uint32_t> stated(const Command& command, std::string_view tag) {
  const auto* value = command.get<std::uint32_t>(tag);
  return value == nullptr || *value == 0 ? std::nullopt : std::optional(*value);
}

PortRange ports(const proto::PortRange& range, bool is_given) {
  const auto value = rpc::from_proto(range, "");
  return is_given && value.ok() ? *value : PortRange::any();
}

}  // namespace

Result<Narrowing::Ranges> Narrowing::ranges_of(const Command& command, std::string_view address_tag,
                                               std::string_view mask_tag, const std::vector<IpAddress>& local) {
  if (command.get<AddressValue>(address_tag) == nullptr) return Ranges();
  const AddressValue address = address_of(command, address_tag, mask_tag);
  if (const auto* range = std::get_if<AddressRange>(&address)) return Ranges(std::vector{*range});
  if (const auto* keyword = std::get_if<AddressKeyword>(&address)) {
    if (*keyword == AddressKeyword::kAny) return Ranges();
    if (*keyword == AddressKeyword::kMe) return Ranges(hosts(local));
  }
  return invalid(fmt::format("'{}' narrows by address here: expected an address, a range, me or any", address_tag));
}

Result<Narrowing> Narrowing::of(const Command& command, std::vector<IpAddress> local) {
  Narrowing narrowing;
  IPSEC_ASSIGN_OR_RETURN(narrowing.source_, ranges_of(command, "srcaddr", "srcmask", local));
  IPSEC_ASSIGN_OR_RETURN(narrowing.destination_, ranges_of(command, "dstaddr", "dstmask", local));
  narrowing.local_ = std::move(local);
  narrowing.protocol_ = stated(command, "protocol");
  narrowing.source_port_ = stated(command, "srcport");
  narrowing.destination_port_ = stated(command, "dstport");
  return narrowing;
}

bool Narrowing::meets(const Ranges& stated_ranges, const std::vector<AddressRange>& found) {
  if (!stated_ranges) return true;
  return std::any_of(stated_ranges->begin(), stated_ranges->end(), [&](const AddressRange& a) {
    return std::any_of(found.begin(), found.end(),
                       [&](const AddressRange& b) { return intersection(a, b).has_value(); });
  });
}

bool Narrowing::admits_ports(std::uint32_t protocol, const PortRange& source, const PortRange& destination) const {
  const auto fits = [](const std::optional<std::uint32_t>& port, const PortRange& range) {
    return !port || range.contains(static_cast<std::uint16_t>(*port));
  };
  if (protocol_ && protocol != kProtocolAny && *protocol_ != protocol) return false;
  return fits(source_port_, source) && fits(destination_port_, destination);
}

bool Narrowing::admits(const proto::Selector& selector) const {
  return admits(selector.source(), selector.destination()) &&
         admits_ports(selector.protocol(), ports(selector.source_port(), selector.has_source_port()),
                      ports(selector.destination_port(), selector.has_destination_port()));
}

bool Narrowing::admits(const proto::AddressRange& source, const proto::AddressRange& destination) const {
  return meets(source_, one(rpc::from_proto(source, ""))) && meets(destination_, one(rpc::from_proto(destination, "")));
}

bool Narrowing::admits(const proto::Endpoint& source, const proto::Endpoint& destination) const {
  return meets(source_, one(rpc::from_proto(source.address(), ""))) &&
         meets(destination_, one(rpc::from_proto(destination.address(), "")));
}

std::vector<AddressRange> Narrowing::ranges_of_text(const std::string& text) const {
  if (equal_ignoring_case(text, "me")) return hosts(local_);
  const auto range = AddressRange::parse(text);
  // A word whose addresses are not known here may mean any.
  return range.ok() ? std::vector{*range} : every_address();
}

bool Narrowing::admits(const proto::GenericFilter& filter) const {
  return meets(source_, ranges_of_text(filter.source())) && meets(destination_, ranges_of_text(filter.destination())) &&
         admits_ports(filter.protocol(), PortRange::from_number(static_cast<std::uint16_t>(filter.source_port())),
                      PortRange::from_number(static_cast<std::uint16_t>(filter.destination_port())));
}

bool Narrowing::admits(const proto::GenericMainModeFilter& filter) const {
  return meets(source_, ranges_of_text(filter.source())) && meets(destination_, ranges_of_text(filter.destination()));
}

std::vector<IpAddress> addresses_of(const google::protobuf::RepeatedPtrField<proto::Address>& addresses) {
  std::vector<IpAddress> result;
  for (const auto& message : addresses) {
    if (const auto address = rpc::from_proto(message, ""); address.ok()) result.push_back(*address);
  }
  return result;
}

}  // namespace ipsec::cli
