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
};

// RFC 2401 section 4.6.2: the encryption key comes first in KEYMAT; RFC 4106 section 8.1: then the salt.
SaKeys split(const EspOffer& esp, const SecretBytes& keymat) {
  const CipherInfo& cipher = info(esp.cipher);
  const std::size_t encryption_size = cipher.key_size + cipher.salt_size;
  return {SecretBytes(keymat.view().first(encryption_size)), SecretBytes(keymat.view().subspan(encryption_size))};
}

SaKeys make_keys(const QuickModeContext& context, const EspOffer& esp, std::uint32_t spi, ByteView nonce_i,
                 ByteView nonce_r, const SecretBytes& secret) {
  const CipherInfo& cipher = info(esp.cipher);
  const std::size_t size = cipher.key_size + cipher.salt_size + info(esp.integrity).key_size;
  const Phase1Keys& keys = context.main_mode.keys;
  return split(esp, quick_mode_keymat(keys.hash, keys.family.skeyid_d.view(), secret.view(),
                                      static_cast<std::uint8_t>(SecurityProtocol::kEsp), spi, nonce_i, nonce_r, size));
}

SaParameters common_parameters(const QuickModeFacts& facts, const QuickModeChoice& choice) {
  SaParameters sa;
  sa.protocol = SecurityProtocol::kEsp;
  sa.encapsulation = choice.encapsulation;
  sa.cipher = choice.esp.cipher;
  sa.integrity = choice.esp.integrity;
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

SaParameters inbound_of(const QuickModeFacts& facts, const QuickModeChoice& choice, std::uint32_t own_spi,
                        SaKeys keys) {
  SaParameters sa = common_parameters(facts, choice);
  sa.direction = Direction::kInbound;
  sa.spi = own_spi;
  sa.pair_spi = choice.peer_spi;
  sa.source = facts.peer;
  sa.destination = facts.local;
  sa.selector = facts.outbound.mirrored();
  sa.filter_id = facts.rule.inbound_filter_id;
  sa.encryption_key = std::move(keys.encryption);
  sa.integrity_key = std::move(keys.integrity);
  return sa;
}

SaParameters outbound_of(const QuickModeFacts& facts, const QuickModeChoice& choice, std::uint32_t own_spi,
                         SaKeys keys) {
  SaParameters sa = common_parameters(facts, choice);
  sa.direction = Direction::kOutbound;
  sa.spi = choice.peer_spi;
  sa.pair_spi = own_spi;
  sa.source = facts.local;
  sa.destination = facts.peer;
  sa.selector = facts.outbound;
  sa.filter_id = facts.rule.outbound_filter_id;
  sa.replaces_spi = facts.replaces_spi;
  sa.encryption_key = std::move(keys.encryption);
  sa.integrity_key = std::move(keys.integrity);
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

Choice<SaPair> make_sa_pair(const QuickModeContext& context, const QuickModeChoice& choice, std::uint32_t own_spi,
                            ByteView nonce_i, ByteView nonce_r, const SecretBytes& secret) {
  SaKeys in = make_keys(context, choice.esp, own_spi, nonce_i, nonce_r, secret);
  SaKeys out = make_keys(context, choice.esp, choice.peer_spi, nonce_i, nonce_r, secret);
  if (choice.esp.cipher == Cipher::kDes &&
      (is_weak_des_key(in.encryption.view()) || is_weak_des_key(out.encryption.view()))) {
    return Failure{FailureReason::kWeakKey, "a DES key of the SA is a weak one (RFC 2409 appendix A)"};
  }
  return SaPair{inbound_of(context.facts, choice, own_spi, std::move(in)),
                outbound_of(context.facts, choice, own_spi, std::move(out))};
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
  }
  return pair;
}

}  // namespace ipsec::ike
