#include "services/ike/core/quick_mode_messages.h"

#include <utility>

#include <fmt/format.h>

#include "services/common/crypto/cbc.h"
#include "services/ike/core/authentication.h"

namespace ipsec::ike {

namespace {

struct SaKeys {
  SecretBytes encryption;
  SecretBytes integrity;
  SecretBytes ah;
};

SecretBytes keymat(const QuickModeContext& context, SecurityProtocol protocol, const SuiteSpis& spis, ByteView nonce_i,
                   ByteView nonce_r, const SecretBytes& secret, std::size_t size) {
  const Phase1Keys& keys = context.main_mode.keys;
  return quick_mode_keymat(keys.hash, keys.family.skeyid_d.view(), secret.view(), static_cast<std::uint8_t>(protocol),
                           spis.of(protocol), nonce_i, nonce_r, size);
}

// RFC 2401 section 4.6.2: the encryption key comes first in KEYMAT; RFC 4106 section 8.1: then the salt. Each protocol
// has KEYMAT of its own (RFC 2409 section 5.5).
SaKeys make_keys(const QuickModeContext& context, const ProtectionSuite& suite, const SuiteSpis& spis, ByteView nonce_i,
                 ByteView nonce_r, const SecretBytes& secret) {
  const auto keymat_of = [&](SecurityProtocol protocol, std::size_t size) {
    return keymat(context, protocol, spis, nonce_i, nonce_r, secret, size);
  };
  SaKeys keys;
  if (suite.esp) {
    const CipherInfo& cipher = info(suite.esp->cipher);
    const std::size_t encryption_size = cipher.key_size + cipher.salt_size;
    const SecretBytes both = keymat_of(SecurityProtocol::kEsp, encryption_size + info(suite.esp->integrity).key_size);
    keys.encryption = SecretBytes(both.view().first(encryption_size));
    keys.integrity = SecretBytes(both.view().subspan(encryption_size));
  }
  if (suite.ah) keys.ah = keymat_of(SecurityProtocol::kAh, info(*suite.ah).key_size);
  return keys;
}

void put_suite(SaParameters& sa, const ProtectionSuite& suite, const SuiteSpis& spis, SaKeys keys) {
  sa.spi = spis.name();
  if (!suite.esp) {
    sa.protocol = SecurityProtocol::kAh;
    sa.integrity = *suite.ah;
    sa.integrity_key = std::move(keys.ah);
    return;
  }
  sa.protocol = SecurityProtocol::kEsp;
  sa.cipher = suite.esp->cipher;
  sa.integrity = suite.esp->integrity;
  sa.encryption_key = std::move(keys.encryption);
  sa.integrity_key = std::move(keys.integrity);
  if (suite.ah) sa.ah = AroundEsp{spis.ah, *suite.ah, std::move(keys.ah)};
}

SaParameters common_parameters(const QuickModeFacts& facts, const QuickModeChoice& choice) {
  SaParameters sa;
  sa.encapsulation = choice.encapsulation;
  sa.extended_sequence = choice.extended_sequence;
  sa.lifetime_seconds = choice.lifetime_seconds;
  sa.lifetime_kilobytes = choice.lifetime_kilobytes;
  sa.main_mode_id = facts.initiator_cookie;
  sa.pfs_group = choice.pfs_group;
  sa.rule_name = facts.rule.rule_name;
  sa.quick_mode_policy = facts.rule.policy.name;
  sa.initiator = facts.initiator;
  sa.udp_local_port = facts.udp_local_port;
  sa.udp_peer_port = facts.udp_peer_port;
  if (choice.original && facts.udp_local_port != 0) {
    sa.original_local = facts.initiator ? choice.original->initiator : choice.original->responder;
    sa.original_peer = facts.initiator ? choice.original->responder : choice.original->initiator;
  }
  return sa;
}

SaParameters inbound_of(const QuickModeFacts& facts, const QuickModeChoice& choice, const SuiteSpis& own_spis,
                        SaKeys keys) {
  SaParameters sa = common_parameters(facts, choice);
  sa.direction = Direction::kInbound;
  put_suite(sa, choice.suite, own_spis, std::move(keys));
  sa.pair_spi = choice.peer_spis.name();
  sa.source = facts.peer;
  sa.destination = facts.local;
  sa.selector = facts.outbound.mirrored();
  sa.filter_id = facts.rule.inbound_filter_id;
  return sa;
}

SaParameters outbound_of(const QuickModeFacts& facts, const QuickModeChoice& choice, const SuiteSpis& own_spis,
                         SaKeys keys) {
  SaParameters sa = common_parameters(facts, choice);
  sa.direction = Direction::kOutbound;
  put_suite(sa, choice.suite, choice.peer_spis, std::move(keys));
  sa.pair_spi = own_spis.name();
  sa.source = facts.local;
  sa.destination = facts.peer;
  sa.selector = facts.outbound;
  sa.filter_id = facts.rule.outbound_filter_id;
  sa.replaces_spi = facts.replaces_spi;
  return sa;
}

}  // namespace

Header phase2_header(Cookie initiator, Cookie responder, ExchangeType exchange, std::uint32_t message_id) {
  Header header;
  header.initiator_cookie = initiator;
  header.responder_cookie = responder;
  header.exchange = exchange;
  header.message_id = message_id;
  return header;
}

Bytes first_iv(const Established& main_mode, std::uint32_t message_id) {
  return phase2_iv(main_mode.keys.hash, main_mode.last_block, message_id,
                   info(main_mode.keys.protection.cipher).block_size);
}

std::variant<Opened, Ignored> open_phase2(const Established& main_mode, const MessageReceived& message, ByteView iv,
                                          MessageKind kind) {
  if (!message.header.encrypted()) {
    return Ignored{Ignored::Why::kUnexpected, fmt::format("{} came in clear", name(kind))};
  }
  auto opened = open(main_mode.keys.protection, iv, message.header, message.datagram);
  if (!opened.ok()) {
    return Ignored{Ignored::Why::kNotAuthentic,
                   fmt::format("{} does not decrypt: {}", name(kind), opened.status().message())};
  }
  if (const Status rules = check_payloads(kind, opened->chain); !rules.ok()) {
    return Ignored{Ignored::Why::kNotAuthentic, rules.message()};
  }
  return std::move(*opened);
}

bool has_hash(const PayloadChain& chain, const SecretBytes& expected) {
  const HashPayload* hash = chain.find<HashPayload>();
  return hash != nullptr && constant_time_equal(hash->value, expected.view());
}

std::vector<PayloadContent> with_hash(const SecretBytes& hash, std::vector<PayloadContent> payloads) {
  payloads.insert(payloads.begin(), HashPayload{Bytes(hash.view().begin(), hash.view().end())});
  return payloads;
}

Sealed seal_with_hash1(const Established& main_mode, ByteView iv, const Header& header,
                       std::vector<PayloadContent> payloads) {
  const SecretBytes hash = message_hash(main_mode.keys.hash, main_mode.keys.family.skeyid_a.view(), header.message_id,
                                        write_payloads(payloads));
  return seal(main_mode.keys.protection, iv, header, with_hash(hash, std::move(payloads)));
}

Sealed seal_connected(const QuickModeContext& context, const SuiteSpis& own_spis, ByteView iv) {
  const QuickModeFacts& facts = context.facts;
  Header header =
      phase2_header(facts.initiator_cookie, facts.responder_cookie, ExchangeType::kQuickMode, facts.message_id);
  header.flags |= kFlagCommit;
  NotifyPayload connected{
      kDoiIpsec, static_cast<std::uint8_t>(own_spis.protocol()), NotifyType::kConnected, Bytes(4), {}};
  store_u32(connected.spi.data(), own_spis.name());
  return seal_with_hash1(context.main_mode, iv, header, {std::move(connected)});
}

Choice<SaPair> make_sa_pair(const QuickModeContext& context, const QuickModeChoice& choice, const SuiteSpis& own_spis,
                            ByteView nonce_i, ByteView nonce_r, const SecretBytes& secret) {
  SaKeys in = make_keys(context, choice.suite, own_spis, nonce_i, nonce_r, secret);
  SaKeys out = make_keys(context, choice.suite, choice.peer_spis, nonce_i, nonce_r, secret);
  if (choice.suite.esp && choice.suite.esp->cipher == Cipher::kDes &&
      (is_weak_des_key(in.encryption.view()) || is_weak_des_key(out.encryption.view()))) {
    return Failure{FailureReason::kWeakKey, "a DES key of the SA is a weak one (RFC 2409 appendix A)"};
  }
  return SaPair{inbound_of(context.facts, choice, own_spis, std::move(in)),
                outbound_of(context.facts, choice, own_spis, std::move(out))};
}

WireEncapsulation wire_encapsulation(Encapsulation encapsulation, const Established& main_mode) {
  const MainModeChoice& choice = main_mode.choice;
  return {encapsulation, choice.nat.any() ? choice.extensions.nat_traversal : NatTraversal::kNone};
}

std::vector<PayloadContent> own_original_addresses(const QuickModeContext& context, Encapsulation encapsulation) {
  const MainModeChoice& choice = context.main_mode.choice;
  if (!choice.nat.any() || encapsulation != Encapsulation::kTransport) return {};
  const QuickModeFacts& facts = context.facts;
  return original_addresses(choice.extensions.nat_traversal,
                            {facts.initiator ? facts.local : facts.peer, facts.initiator ? facts.peer : facts.local});
}

std::vector<std::string> offered_terms(const QuickModeFacts& facts) {
  std::vector<std::string> terms = offer_texts(facts.rule.policy);
  terms.push_back(fmt::format("{} in {} mode{}", facts.outbound.to_string(), name(facts.rule.encapsulation),
                              facts.rule.policy.pfs ? " with PFS" : ""));
  return terms;
}

DhGroup pfs_group(const QuickModePolicy& policy, const Established& main_mode) {
  if (!policy.pfs) return DhGroup::kNone;
  return policy.pfs_group != DhGroup::kNone ? policy.pfs_group : main_mode.choice.offer.group;
}

bool says_initial_contact(const PayloadChain& chain) {
  for (const NotifyPayload* notify : chain.all<NotifyPayload>()) {
    if (notify->type == NotifyType::kInitialContact) return true;
  }
  return false;
}

SaPair without_keys(SaPair pair) {
  for (SaParameters* sa : {&pair.inbound, &pair.outbound}) {
    sa->encryption_key = {};
    sa->integrity_key = {};
    if (sa->ah) sa->ah->key = {};
  }
  return pair;
}

}  // namespace ipsec::ike
