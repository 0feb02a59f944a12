#include "tests/driver/core/test_host.h"

#include <gtest/gtest.h>

namespace ipsec::driver::tests {

void ScriptedRandom::fill(MutableByteView out) {
  if (out.size() != 4 || scripted_.empty()) return seeded_.fill(out);
  store_u32(out.data(), scripted_.front());
  scripted_.pop_front();
}

FilterPair mirrored(std::uint64_t id, const Selector& outbound, Action action) {
  FilterPair pair;
  pair.outbound.id = id;
  pair.outbound.mirror_id = id + 1;
  pair.outbound.selector = outbound;
  pair.outbound.action = action;
  pair.outbound.rule_name = "test";
  pair.inbound = pair.outbound;
  pair.inbound.id = id + 1;
  pair.inbound.mirror_id = id;
  pair.inbound.direction = Direction::kInbound;
  pair.inbound.selector = outbound.mirrored();
  return pair;
}

Selector between(std::string_view source, std::string_view destination, std::uint8_t protocol) {
  Selector selector;
  selector.source = *AddressRange::parse(source);
  selector.destination = *AddressRange::parse(destination);
  selector.protocol = protocol;
  return selector;
}

TestHost::TestHost(std::string_view own_address, Control::Engines engines)
    : own_(address(own_address)), listed_{own_}, control_(random_, engines) {
  addresses_.add(own_address);
  auto worker = control_.make_worker(iv_random_, &addresses_);
  EXPECT_TRUE(worker.ok());
  worker_ = *std::move(worker);
}

void TestHost::set_filters(std::vector<Filter> filters, Profile profile) {
  Policy policy;
  policy.version = control_.policy_version() + 1;
  policy.active = true;
  policy.filters = std::move(filters);
  policy.profile = profile;
  policy.local_addresses = listed_;
  policy.addresses_are_complete = addresses_are_complete_;
  const auto events = control_.set_policy(std::move(policy));
  EXPECT_TRUE(events.ok()) << events.status().message();
}

void ScriptedAddresses::add(std::string_view text) { there_.insert(address(text)); }

void TestHost::list_addresses(const std::vector<std::string_view>& more) {
  for (const std::string_view text : more) listed_.push_back(address(text));
  addresses_are_complete_ = true;
}

TestHost::Result TestHost::run(std::vector<Stored> packets, bool outbound) {
  std::vector<Packet> views;
  for (Stored& packet : packets) views.push_back({packet.bytes, packet.offload});
  Output output;
  const TablesPointer tables = control_.tables();
  if (outbound) {
    worker_->process_outbound(views, *tables, now, output);
  } else {
    worker_->process_inbound(views, *tables, now, output);
  }
  MemoryPort wire, host;
  wire.send(output.to_wire);
  host.send(output.to_host);
  return {wire.take_sent(), host.take_sent(), std::move(output.events)};
}

TestHost::Result TestHost::send(const std::vector<Stored>& packets) { return run(packets, true); }
TestHost::Result TestHost::receive(const std::vector<Stored>& packets) { return run(packets, false); }

TestHost::Result TestHost::send_released() {
  Output output;
  worker_->process_released(*control_.tables(), now, output);
  MemoryPort wire, host;
  wire.send(output.to_wire);
  host.send(output.to_host);
  return {wire.take_sent(), host.take_sent(), std::move(output.events)};
}

TestHost::Result TestHost::take_offloaded() {
  Result all;
  Output output;
  while (worker_->process_offloaded(*control_.tables(), now, output)) {
    MemoryPort wire, host;
    wire.send(output.to_wire);
    host.send(output.to_host);
    for (Stored& packet : wire.take_sent()) all.to_wire.push_back(std::move(packet));
    for (Stored& packet : host.take_sent()) all.to_host.push_back(std::move(packet));
    for (DriverEvent& event : output.events) all.events.push_back(std::move(event));
    output.clear();
  }
  return all;
}

SecretBytes key_of_size(std::size_t size, std::uint8_t first) { return SecretBytes(ByteView(pattern(size, first))); }

SaParameters parameters_of(const TestHost& sender, const TestHost& receiver, const SaRecipe& recipe, std::uint32_t spi,
                           Direction direction) {
  SaParameters sa;
  sa.spi = spi;
  sa.direction = direction;
  sa.encapsulation = recipe.encapsulation;
  sa.source = sender.own();
  sa.destination = receiver.own();
  sa.selector = recipe.selector;
  sa.filter_id = direction == Direction::kOutbound ? recipe.outbound_filter : recipe.inbound_filter;
  sa.cipher = recipe.cipher;
  sa.integrity = recipe.integrity;
  const CipherInfo& cipher = info(recipe.cipher);
  sa.protocol = recipe.protocol;
  sa.encryption_key = key_of_size(cipher.key_size + cipher.salt_size, static_cast<std::uint8_t>(spi));
  sa.integrity_key = key_of_size(info(recipe.integrity).key_size, static_cast<std::uint8_t>(spi + 99));
  sa.extended_sequence = recipe.extended_sequence;
  sa.soft = recipe.soft;
  sa.last_sequence = recipe.last_sequence;
  sa.udp = recipe.udp;
  if (recipe.udp && direction == Direction::kInbound) std::swap(sa.udp->local_port, sa.udp->peer_port);
  sa.replay_window = recipe.replay_window;
  sa.lifetime_seconds = recipe.lifetime_seconds;
  sa.lifetime_kilobytes = recipe.lifetime_kilobytes;
  sa.pair_spi = direction == Direction::kOutbound ? recipe.outbound_pair : 0;
  sa.replaces_spi = direction == Direction::kOutbound ? recipe.replaces : 0;
  sa.initiator = recipe.initiator;
  return sa;
}

std::uint32_t connect(TestHost& sender, TestHost& receiver, const SaRecipe& recipe) {
  const auto reserve = [&](SecurityProtocol protocol) {
    const auto spi = receiver.control().reserve_spi(protocol, receiver.own(), sender.own(), receiver.now);
    EXPECT_TRUE(spi.ok());
    return *spi;
  };
  const std::uint32_t spi = reserve(recipe.protocol);
  std::optional<AroundEsp> around;
  if (recipe.around != Integrity::kNone) {
    around = AroundEsp{reserve(SecurityProtocol::kAh), recipe.around, key_of_size(info(recipe.around).key_size, 33)};
  }
  SaParameters inbound = parameters_of(sender, receiver, recipe, spi, Direction::kInbound);
  inbound.ah = around;
  const Status at_receiver = receiver.control().install_sa(std::move(inbound), receiver.now);
  EXPECT_TRUE(at_receiver.ok()) << at_receiver.message();
  SaParameters outbound = parameters_of(sender, receiver, recipe, spi, Direction::kOutbound);
  outbound.ah = around;
  const Status at_sender = sender.control().install_sa(std::move(outbound), sender.now);
  EXPECT_TRUE(at_sender.ok()) << at_sender.message();
  return spi;
}

void connect_manually(TestHost& sender, TestHost& receiver, const SaRecipe& recipe, std::uint32_t spi) {
  for (const Direction direction : {Direction::kInbound, Direction::kOutbound}) {
    TestHost& host = direction == Direction::kInbound ? receiver : sender;
    SaParameters sa = parameters_of(sender, receiver, recipe, spi, direction);
    sa.manual = true;
    sa.filter_id = 0;
    if (recipe.around != Integrity::kNone) {
      sa.ah = AroundEsp{spi + 1, recipe.around, key_of_size(info(recipe.around).key_size, 33)};
    }
    const Status status = host.control().install_sa(std::move(sa), host.now);
    EXPECT_TRUE(status.ok()) << status.message();
  }
}

}  // namespace ipsec::driver::tests
