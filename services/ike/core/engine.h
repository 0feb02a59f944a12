#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "services/common/address.h"
#include "services/common/crypto/random.h"
#include "services/common/result.h"
#include "services/common/time.h"
#include "services/ike/core/actions.h"
#include "services/ike/core/events.h"
#include "services/ike/core/nat_traversal.h"
#include "services/ike/core/negotiation_log.h"
#include "services/ike/core/policy.h"
#include "services/ike/core/policy_change.h"
#include "services/ike/core/statistics.h"

// IKEv1 without input and output: events and the time go in, actions come out. One thread at a time; the engine calls
// nobody and reads no clock. Times given must not run backwards.
namespace ipsec::ike {

// One row of a listing; fields of proto/ike.proto MainModeSa.
struct MainModeSaStatus {
  std::uint64_t initiator_cookie = 0;  // host order of the 8 octets on the wire
  std::uint64_t responder_cookie = 0;  // 0 until message 2
  Endpoint local;
  Endpoint peer;
  bool initiator = false;
  MainModeOffer offer;         // meaningful from message 2 on
  std::string authentication;  // "Preshared key"
  std::string local_identity;
  std::string peer_identity;  // empty until authenticated
  std::uint32_t lifetime_seconds = 0;
  std::uint32_t age_seconds = 0;
  std::uint32_t quick_modes = 0;
  std::uint32_t quick_mode_limit = 0;
  std::string state;  // "established", "awaiting message 4", ...
  std::string rule_name;
  NatFound nat;
};

class Engine {
 public:
  // `random` gives cookies, nonces and message ids; it must outlive the engine.
  explicit Engine(RandomSource& random);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // A whole policy, or the difference to the one in force, whose place it takes. Negotiations whose filter is gone fail
  // with policy_changed; main mode SAs whose authentication is gone or changed are deleted; quick mode SAs are the
  // driver's to keep or end. The policy in force stays where the change is refused: kRefused, it is the difference to
  // another policy; kInvalid, a reference between the lists leads nowhere or an id is used twice.
  Status change_policy(PolicyChange change, Timestamp now, Actions& actions);
  const IkePolicy& policy() const;

  // What must be done because of this event.
  Actions handle(Event event, Timestamp now);

  // When poll() must be called next; kNever: not at all. Changes with every call of handle, change_policy and poll.
  Timestamp next_deadline() const;
  // Does what is due at `now` (retransmissions, time-outs, lifetimes).
  Actions poll(Timestamp now);

  Statistics statistics() const;
  // The last ones, newest first.
  std::vector<FailedNegotiation> failed_negotiations() const;
  // From now on TellMainModeKey comes with every main mode, or no longer; and those of the main modes that are there.
  std::vector<TellMainModeKey> tell_keys(bool on);
  // For the shell: a datagram could not be sent.
  void count_send_failure();
  // Sorted by initiator cookie; half-open ones too.
  std::vector<MainModeSaStatus> main_mode_sas(Timestamp now) const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace ipsec::ike
