#pragma once

#include <string_view>

#include "proto/ike.pb.h"
#include "services/common/rpc/convert.h"

// Policies as the agent would send them.
namespace ipsec::ike {

// All traffic between the two hosts in transport mode under a preshared key, one rule, filters 1 (outbound) and 2
// (inbound).
inline proto::IkePolicy host_to_host_policy(std::string_view local, std::string_view peer, std::string_view key) {
  const AddressRange ours = AddressRange::host(*IpAddress::parse(local));
  const AddressRange theirs = AddressRange::host(*IpAddress::parse(peer));

  proto::IkePolicy policy;
  policy.set_version(1);
  policy.set_policy_name("Test policy");
  policy.set_profile("modern");

  proto::MainModePolicy& main_mode = *policy.add_main_mode_policies();
  main_mode.set_name("main");
  main_mode.set_lifetime_seconds(28800);
  proto::MainModeOffer& offer = *main_mode.add_offers();
  offer.set_cipher(proto::CIPHER_AES256_CBC);
  offer.set_integrity(proto::INTEGRITY_SHA256);
  offer.set_dh_group(19);

  proto::MainModeFilter& peers = *policy.add_main_mode_filters();
  peers.set_id(10);
  *peers.mutable_local() = rpc::to_proto(ours);
  *peers.mutable_remote() = rpc::to_proto(theirs);
  peers.set_weight(1);
  peers.set_main_mode_policy("main");
  peers.add_authentication()->set_preshared_key(std::string(key));
  peers.set_rule_name("Test rule");

  proto::QuickModePolicy& quick_mode = *policy.add_quick_mode_policies();
  quick_mode.set_name("quick");
  proto::QuickModeOffer& esp = *quick_mode.add_offers();
  esp.mutable_esp()->set_cipher(proto::CIPHER_AES128_GCM);
  esp.mutable_esp()->set_integrity(proto::INTEGRITY_NONE);
  esp.set_lifetime_seconds(3600);
  esp.set_lifetime_kilobytes(100000);

  Selector selector;
  selector.source = ours;
  selector.destination = theirs;
  for (const proto::Direction direction : {proto::DIRECTION_OUTBOUND, proto::DIRECTION_INBOUND}) {
    const bool outbound = direction == proto::DIRECTION_OUTBOUND;
    proto::Filter& filter = *policy.add_filters();
    filter.set_id(outbound ? 1 : 2);
    filter.set_mirror_id(outbound ? 2 : 1);
    filter.set_index(outbound ? 0 : 1);
    filter.set_direction(direction);
    *filter.mutable_selector() = rpc::to_proto(outbound ? selector : selector.mirrored());
    filter.set_action(proto::ACTION_NEGOTIATE);
    filter.set_quick_mode_policy("quick");
    filter.set_rule_name("Test rule");
  }
  return policy;
}

// The one message that puts the policy in force.
inline proto::IkePolicyUpdate whole_policy(const proto::IkePolicy& policy) {
  proto::IkePolicyUpdate update;
  *update.mutable_settings() = policy;
  update.mutable_settings()->clear_filters();
  update.mutable_settings()->clear_main_mode_filters();
  std::uint32_t place = 0;
  for (const proto::Filter& filter : policy.filters()) {
    proto::Filter& inserted = *update.mutable_change()->add_inserted();
    inserted = filter;
    inserted.set_index(place++);
  }
  update.mutable_change()->set_count(place);
  place = 0;
  for (const proto::MainModeFilter& filter : policy.main_mode_filters()) {
    proto::InsertedMainModeFilter& inserted = *update.mutable_main_mode_change()->add_inserted();
    *inserted.mutable_filter() = filter;
    inserted.set_index(place++);
  }
  update.mutable_main_mode_change()->set_count(place);
  update.set_commit(true);
  return update;
}

// A packet that wants filter 1.
inline proto::DriverRequest acquire(std::uint64_t id, std::string_view local, std::string_view peer) {
  const IpAddress from = *IpAddress::parse(local), to = *IpAddress::parse(peer);
  proto::DriverRequest request;
  proto::Acquire& message = *request.mutable_acquire();
  message.set_acquire_id(id);
  message.set_filter_id(1);
  *message.mutable_packet() = rpc::to_proto(FiveTuple{from, to, kProtocolTcp, 40000, 445});
  *message.mutable_local() = rpc::to_proto(from);
  *message.mutable_peer() = rpc::to_proto(to);
  return request;
}

}  // namespace ipsec::ike
