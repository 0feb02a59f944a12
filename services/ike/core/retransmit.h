#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "services/common/bytes.h"
#include "services/common/time.h"
#include "services/ike/core/failure.h"

// Repeating requests, and recognising repeated ones (RTY-01 to RTY-03).
namespace ipsec::ike {

// The request on its way: sent once by the caller, then again by schedule until it is answered or given up.
class Resender {
 public:
  enum class Due { kNothing, kSendAgain, kGiveUp };

  // `datagram` has just been sent.
  void start(Bytes datagram, Timestamp now);
  // From now on at a brief interval (kBriefRetransmission), with all repetitions still to come. Nothing where it is so
  // already, or nobody waits.
  void hasten(Timestamp now);
  // Answered.
  void stop();
  bool waiting() const { return !datagram_.empty(); }
  // kNever when not waiting.
  Timestamp next() const;
  // What is due; call until kNothing. After kGiveUp the resender is stopped.
  Due poll(Timestamp now);
  const Bytes& datagram() const { return datagram_; }
  int times_sent_again() const { return sent_again_; }
  // Octets of the last request; 0 where there was none. Also once stopped.
  std::size_t last_size() const { return last_size_; }

  // An unauthenticated sign that no answer will come. It only shortens the wait, and is the likely reason should the
  // wait end. The first one stays.
  void hint(Failure reason, Timestamp now);
  const std::optional<Failure>& hinted() const { return hint_; }

 private:
  Timestamp after(Timestamp now) const;

  Bytes datagram_;
  std::size_t last_size_ = 0;
  int sent_again_ = 0;
  bool brief_ = false;
  Timestamp next_ = kNever;
  Timestamp give_up_ = kNever;
  std::optional<Failure> hint_;
};

// A datagram remembered by its hash.
using Digest = std::array<std::uint8_t, 32>;
Digest digest_of(ByteView datagram);

// The last request of the peer that was acted on, and what answers it. Repetitions get the same octets again.
class ReplyStore {
 public:
  // A new request is being worked on; there is no answer yet.
  void begin(const Digest& request);
  void answer(Bytes datagram) { answer_ = std::move(datagram); }
  bool is_repetition(const Digest& request) const { return request_ && *request_ == request; }
  // Empty: none (yet).
  const Bytes& answer() const { return answer_; }

 private:
  std::optional<Digest> request_;
  Bytes answer_;
};

}  // namespace ipsec::ike
