#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "proto/policyagent.pb.h"
#include "services/common/rpc/convert.h"

// The selector parameters of a dynamic `show` narrow its output (reference, section 5.2): what has nothing to do with
// the stated addresses, protocol or ports is left out. Pure.
namespace ipsec::cli {

class Narrowing {
 public:
  // `local` are the addresses of the agent's host: what `me` means.
  // kInvalid for a DNS name or a server keyword, which stand for addresses only in a policy.
  static Result<Narrowing> of(const Command& command, std::vector<IpAddress> local);

  bool admits(const proto::Selector& selector) const;
  // A pair of ranges without ports: main mode filters.
  bool admits(const proto::AddressRange& source, const proto::AddressRange& destination) const;
  bool admits(const proto::Endpoint& source, const proto::Endpoint& destination) const;
  // As written: keywords stand for what they mean.
  bool admits(const proto::GenericFilter& filter) const;
  bool admits(const proto::GenericMainModeFilter& filter) const;

 private:
  // Nothing stated admits everything. Several ranges: the local addresses.
  using Ranges = std::optional<std::vector<AddressRange>>;
  static Result<Ranges> ranges_of(const Command& command, std::string_view address_tag, std::string_view mask_tag,
                                  const std::vector<IpAddress>& local);
  static bool meets(const Ranges& stated, const std::vector<AddressRange>& found);
  std::vector<AddressRange> ranges_of_text(const std::string& text) const;
  bool admits_ports(std::uint32_t protocol, const PortRange& source, const PortRange& destination) const;

  std::vector<IpAddress> local_;
  Ranges source_;
  Ranges destination_;
  std::optional<std::uint32_t> protocol_;
  std::optional<std::uint32_t> source_port_;
  std::optional<std::uint32_t> destination_port_;
};

// The addresses that are fit to be `local`; others are left out.
std::vector<IpAddress> addresses_of(const google::protobuf::RepeatedPtrField<proto::Address>& addresses);

}  // namespace ipsec::cli
