#include "services/ike/core/main_mode_messages.h"

#include <utility>
#include <vector>

#include "services/common/crypto/cbc.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/quick_mode_messages.h"
#include "services/ike/wire/identity.h"

namespace ipsec::ike {

namespace {

SecretBytes proof(const MainModeFacts& facts, const Phase1Keys& keys, const Transcript& t, ByteView identity,
                  Role sender) {
  const Phase1Transcript transcript{facts.initiator_cookie, facts.responder_cookie, t.public_i, t.public_r, t.sa_body};
  return sender == Role::kInitiator ? hash_i(keys.hash, keys.family.skeyid.view(), transcript, identity)
                                    : hash_r(keys.hash, keys.family.skeyid.view(), transcript, identity);
}

NatDetection detection_of(const StepContext& context, const MainModeChoice& choice) {
  return {choice.extensions.nat_traversal, choice.offer.hash, context.facts.initiator_cookie,
          context.facts.responder_cookie,  context.local,     context.peer};
}

// RFC 2407 section 4.6.2: "During Phase I negotiations, the ID port and protocol fields MUST be set to zero or to UDP
// port 500."
bool are_phase1_ports(const IdentificationPayload& identity) {
  if (identity.protocol == 0) return identity.port == 0;
  return identity.protocol == 17 && (identity.port == 0 || identity.port == 500 || identity.port == 4500);
}

Ignored not_authentic(std::string text) { return {Ignored::Why::kNotAuthentic, std::move(text)}; }

}  // namespace

NotifyPayload initial_contact(const MainModeFacts& facts) {
  NotifyPayload notify{kDoiIpsec, kProtocolIsakmp, NotifyType::kInitialContact, {}, {}};
  for (const Cookie cookie : {facts.initiator_cookie, facts.responder_cookie}) {
    const auto octets = cookie_octets(cookie);
    notify.spi.insert(notify.spi.end(), octets.begin(), octets.end());
  }
  return notify;
}

// An address proves nothing beyond the key, but it names whose SAs INITIAL-CONTACT may end: it must be the peer's own.
Status check_identity(const IdentificationPayload& identity, const IpAddress& peer, const NatFound& nat) {
  if (!are_phase1_ports(identity)) {
    return invalid(fmt::format("identity with protocol {} and port {}; 0/0 or 17/500 is accepted", identity.protocol,
                               identity.port));
  }
  switch (identity.type) {
    case IdentityType::kIpv4Address:
    case IdentityType::kIpv6Address: {
      IPSEC_ASSIGN_OR_RETURN(const AddressRange range, identity_range(identity));
      // Behind a translator a host calls itself by the address that it knows.
      if (range == AddressRange::host(peer) || nat.peer_behind) return {};
      return invalid(fmt::format("the peer {} calls itself {}", peer.to_string(), range.to_string()));
    }
    case IdentityType::kFqdn:
    case IdentityType::kUserFqdn:
    case IdentityType::kKeyId:
    case IdentityType::kDistinguishedName:
      return {};
    default:
      return invalid(
          fmt::format("identity of type {}; an address or a name is accepted", static_cast<int>(identity.type)));
  }
}

Header main_mode_header(const MainModeFacts& facts) {
  Header header;
  header.initiator_cookie = facts.initiator_cookie;
  header.responder_cookie = facts.responder_cookie;
  header.exchange = ExchangeType::kIdentityProtection;
  return header;
}

std::variant<PayloadChain, Ignored> read_clear(const MessageReceived& message, MessageKind kind) {
  if (message.header.encrypted()) {
    return Ignored{Ignored::Why::kUnexpected, fmt::format("{} came encrypted", name(kind))};
  }
  auto parsed = parse_clear_message(message.datagram);
  if (!parsed.ok()) return Ignored{Ignored::Why::kMalformed, parsed.status().message()};
  if (const Status rules = check_payloads(kind, parsed->chain); !rules.ok()) {
    return Ignored{Ignored::Why::kMalformed, rules.message()};
  }
  return std::move(parsed->chain);
}

std::variant<KeyExchange, Failure> read_key_exchange(const PayloadChain& chain, DhGroup group) {
  const KeyExchange read{chain.body_of(PayloadType::kKeyExchange), chain.body_of(PayloadType::kNonce)};
  if (read.public_value.size() != info(group).public_size) {
    return Failure{FailureReason::kInvalidKeyExchange,
                   fmt::format("KE payload of {} octets, {} has {}", read.public_value.size(), info(group).name,
                               info(group).public_size)};
  }
  return read;
}

std::vector<PayloadContent> own_nat_detection(const StepContext& context, const MainModeChoice& choice) {
  return nat_detection(detection_of(context, choice));
}

void note_nat(const PayloadChain& chain, const StepContext& context, MainModeChoice& choice) {
  if (const auto found = detect_nat(chain, detection_of(context, choice))) {
    choice.nat = *found;
  } else {
    choice.extensions.nat_traversal = NatTraversal::kNone;
  }
}

std::variant<Phase1Keys, Failure> make_keys(const MainModeFacts& facts, const MainModeChoice& choice, ByteView nonce_i,
                                            ByteView nonce_r, const Result<SecretBytes>& secret) {
  if (!secret.ok()) return Failure{FailureReason::kInvalidKeyExchange, secret.status().message()};
  Phase1Keys keys;
  keys.hash = choice.offer.hash;
  SecretBytes skeyid = is_signature(choice.method)
                           ? skeyid_signature(keys.hash, nonce_i, nonce_r, secret->view())
                           : skeyid_preshared_key(keys.hash, facts.rule.preshared_key.view(), nonce_i, nonce_r);
  keys.family =
      derive_key_family(keys.hash, std::move(skeyid), secret->view(), facts.initiator_cookie, facts.responder_cookie);
  const CipherInfo& cipher = info(choice.offer.cipher);
  keys.protection = {choice.offer.cipher, cipher_key(keys.hash, keys.family.skeyid_e.view(), cipher.key_size)};
  if (choice.offer.cipher == Cipher::kDes && is_weak_des_key(keys.protection.key.view())) {
    return Failure{FailureReason::kWeakKey, "the negotiated DES key is a weak one (RFC 2409 appendix A)"};
  }
  return keys;
}

Sealed write_identity(const StepContext& context, const Phase1Keys& keys, ByteView iv, const Transcript& transcript,
                      Role sender) {
  const IdentificationPayload identity = address_identity(context.facts.local);
  const SecretBytes hash = proof(context.facts, keys, transcript, body_octets(identity), sender);
  std::vector<PayloadContent> payloads = {identity, HashPayload{Bytes(hash.view().begin(), hash.view().end())}};
  if (context.say_initial_contact) payloads.emplace_back(initial_contact(context.facts));
  return seal(keys.protection, iv, main_mode_header(context.facts), payloads);
}

std::variant<Opened, Ignored> open_last_message(const MessageReceived& message, const Phase1Keys& keys, ByteView iv,
                                                Role sender) {
  const MessageKind kind = sender == Role::kInitiator ? MessageKind::kMainMode5 : MessageKind::kMainMode6;
  if (!message.header.encrypted()) {
    return Ignored{Ignored::Why::kUnexpected, fmt::format("{} came in clear", name(kind))};
  }
  auto opened = open(keys.protection, iv, message.header, message.datagram);
  if (!opened.ok()) return not_authentic(fmt::format("{} does not decrypt: {}", name(kind), opened.status().message()));
  if (const Status rules = check_payloads(kind, opened->chain); !rules.ok()) return not_authentic(rules.message());
  return *std::move(opened);
}

std::variant<PeerProof, Ignored, Failure> read_identity(const MainModeFacts& facts, const MessageReceived& message,
                                                        const Phase1Keys& keys, ByteView iv,
                                                        const Transcript& transcript, Role sender,
                                                        const NatFound& nat) {
  auto read = open_last_message(message, keys, iv, sender);
  if (auto* ignored = std::get_if<Ignored>(&read)) return std::move(*ignored);
  auto& opened = std::get<Opened>(read);
  const PayloadChain& chain = opened.chain;
  const std::string_view what = name(sender == Role::kInitiator ? MessageKind::kMainMode5 : MessageKind::kMainMode6);
  const HashPayload* hash = chain.find<HashPayload>();
  if (hash == nullptr) return not_authentic(fmt::format("{} has no HASH", what));
  const SecretBytes expected = proof(facts, keys, transcript, chain.body_of(PayloadType::kIdentification), sender);
  if (!constant_time_equal(expected.view(), hash->value))
    return not_authentic(fmt::format("{} has a wrong HASH", what));

  const IdentificationPayload& identity = *chain.find<IdentificationPayload>();
  if (const Status checked = check_identity(identity, facts.peer, nat); !checked.ok()) {
    return Failure{FailureReason::kIdentityRefused, checked.message()};
  }
  return PeerProof{to_string(identity), says_initial_contact(chain), std::move(opened.next_iv)};
}

}  // namespace ipsec::ike
