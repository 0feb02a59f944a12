#include <cstdint>
#include <cstdlib>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "services/common/bytes.h"
#include "services/ike/core/alternatives.h"
#include "services/ike/core/authentication.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/main_mode_initiator.h"
#include "services/ike/core/quick_mode_messages.h"
#include "services/ike/core/quick_mode_negotiation.h"
#include "services/ike/core/quick_mode_selector.h"
#include "tests/ike/core/pair.h"

// A peer that has proven itself and then says what it likes: it makes main mode with an engine, step by step, so that
// it has the keys, and sends quick modes and informational messages that are encrypted and hashed as they should be,
// with payloads out of the input: well-formed ones, ones with octets changed, others. Afterwards everything must come
// to an end by itself.
namespace {

using namespace ipsec;
using namespace ipsec::ike;
using ipsec::ike::tests::Fate;
using ipsec::ike::tests::Pair;
using ipsec::ike::tests::PolicyOptions;
using ipsec::ike::tests::SentDatagram;

void require(bool condition) {
  if (!condition) std::abort();
}

template <typename State, typename Result>
State expect(Result result) {
  State* state = std::get_if<State>(&result);
  require(state != nullptr);
  return std::move(*state);
}

class Peer {
 public:
  explicit Peer(ByteView script) : in_(script) {
    set_mirrored_policies(pair_, options_);
    pair_.wire = [this](const SentDatagram& sent) {
      if (!sent.from_a) answers_.push_back(sent.datagram.bytes);
      return Fate{};
    };
  }

  void play() {
    make_main_mode();
    for (int messages = 0; messages < 32 && !in_.empty(); ++messages) say_something();
    pair_.run(std::chrono::seconds(300));
    const Statistics statistics = pair_.b.engine.statistics();
    require(statistics.active_receive == 0);
    require(pair_.b.driver.larval() == 0);
    require(pair_.b.engine.failed_negotiations().size() <= kMaxFailedNegotiations);
  }

 private:
  std::uint8_t next() { return in_.read_u8().value_or(0); }

  // What the engine has answered last.
  Bytes exchange(Bytes datagram) {
    answers_.clear();
    pair_.inject(pair_.a, std::move(datagram));
    pair_.run(std::chrono::milliseconds(5));
    require(!answers_.empty());
    return answers_.back();
  }

  void make_main_mode() {
    const IkePolicy policy = make_policy(pair_.a.endpoint.address, pair_.b.endpoint.address, options_);
    facts_.initiator_cookie = 0x1122334455667788;
    facts_.local = pair_.a.endpoint.address;
    facts_.peer = pair_.b.endpoint.address;
    facts_.rule = std::get<MainModeRule>(find_main_mode_rule(policy, facts_.local, facts_.peer, false));
    StepContext context{facts_, {facts_.local, kIkePort}, {facts_.peer, kIkePort}, pair_.a.random, false, {}};
    const auto read = [&](const Bytes& datagram) { return parse_header(datagram).value(); };
    const AwaitingMessage2 first = start_main_mode(context);
    const Bytes message2 = exchange(std::move(context.effects.send));
    facts_.responder_cookie = read(message2).responder_cookie;
    const auto pair = expect<MakingKeyPair>(step(first, MessageReceived{read(message2), message2}, context));
    const auto compute = [&] {
      ComputeDh work{1, context.effects.compute->group, context.effects.compute->own,
                     context.effects.compute->peer_public};
      context.effects = {};
      return compute_dh(work, pair_.a.random);
    };
    const auto third = expect<AwaitingMessage4>(step(pair, compute(), context));
    const Bytes message4 = exchange(std::move(context.effects.send));
    const auto secret = expect<ComputingSecret>(step(third, MessageReceived{read(message4), message4}, context));
    const auto fifth = expect<AwaitingMessage6>(step(secret, compute(), context));
    const Bytes message6 = exchange(std::move(context.effects.send));
    established_ = expect<Established>(step(fifth, MessageReceived{read(message6), message6}, context));
  }

  PayloadContent changed(PayloadContent content) {
    Bytes body = body_octets(content);
    for (int changes = next() % 4; changes > 0 && !body.empty(); --changes) body[next() % body.size()] = next();
    if (next() % 16 == 0) body.resize(next() % (body.size() + 1));
    return OpaquePayload{type_of(content), std::move(body)};
  }

  PayloadContent any_payload() {
    const std::uint8_t size = next();
    const auto octets = in_.read(std::min<std::size_t>(in_.remaining(), size)).value_or(ByteView());
    return OpaquePayload{static_cast<PayloadType>(next() % 24), Bytes(octets.begin(), octets.end())};
  }

  std::vector<PayloadContent> quick_mode_payloads() {
    QuickModePolicy policy;
    policy.offers = options_.quick_mode_offers;
    if (next() % 4 == 0) policy.offers = {{std::nullopt, EspOffer{Cipher::kTripleDes, Integrity::kMd5}, 0, 900}};
    Selector outbound{AddressRange::host(facts_.local), AddressRange::host(facts_.peer), kProtocolAny, {}, {}};
    if (next() % 4 == 0) outbound.destination = AddressRange::any(AddressFamily::kIpv4);
    const auto identities = identities_of(outbound);
    return {quick_mode_offers(policy, next() % 4 == 0 ? Encapsulation::kTunnel : Encapsulation::kTransport,
                              next() % 4 == 0 ? DhGroup::kCurve25519 : DhGroup::kNone, SuiteSpis{0x1000U + next(), 0}),
            NoncePayload{Bytes(32, 7)}, identities->initiator, identities->responder};
  }

  std::vector<PayloadContent> informational_payloads() {
    constexpr NotifyType kNotifies[] = {NotifyType::kNoProposalChosen,  NotifyType::kInvalidIdInformation,
                                        NotifyType::kResponderLifetime, NotifyType::kInitialContact,
                                        NotifyType::kAreYouThere,       NotifyType::kInvalidSpi};
    QuickModePolicy policy;
    policy.offers = options_.quick_mode_offers;
    const SaPayload offers =
        quick_mode_offers(policy, Encapsulation::kTransport, DhGroup::kNone, SuiteSpis{0x1000, 0x1001});
    NotifyPayload notify{kDoiIpsec, 3, kNotifies[next() % std::size(kNotifies)], Bytes(4, next()), {}};
    notify.data = next() % 2 == 0 ? write_alternatives(offers, 1000) : Bytes(next() % 40, next());
    return {std::move(notify), DeletePayload{kDoiIpsec, 3, {Bytes(4, next())}}};
  }

  void say_something() {
    const bool quick = next() % 3 != 0;
    std::vector<PayloadContent> payloads = quick ? quick_mode_payloads() : informational_payloads();
    for (PayloadContent& payload : payloads) {
      if (next() % 3 == 0) payload = changed(std::move(payload));
    }
    if (next() % 8 == 0) payloads.push_back(any_payload());
    if (next() % 16 == 0 && payloads.size() > 1) payloads.erase(payloads.begin());
    const std::uint32_t message_id = 1 + next() % 64;
    const Header header = phase2_header(facts_.initiator_cookie, facts_.responder_cookie,
                                        quick ? ExchangeType::kQuickMode : ExchangeType::kInformational, message_id);
    pair_.inject(
        pair_.a,
        seal_with_hash1(*established_, first_iv(*established_, message_id), header, std::move(payloads)).datagram);
    pair_.run(std::chrono::milliseconds(next() % 8 == 0 ? 5000 : 2));
    // Something of ours under the same main mode SA, for the peer to refuse.
    if (next() % 16 == 0) pair_.acquire(pair_.b, next_acquire_++);
  }

  ByteReader in_;
  Pair pair_;
  PolicyOptions options_;
  MainModeFacts facts_;
  std::optional<Established> established_;
  std::vector<Bytes> answers_;
  std::uint64_t next_acquire_ = 1;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Peer(ByteView(data, size)).play();
  return 0;
}
