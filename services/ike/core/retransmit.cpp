#include "services/ike/core/retransmit.h"

#include <algorithm>
#include <utility>

#include "services/common/crypto/hash.h"
#include "services/ike/core/limits.h"

namespace ipsec::ike {

void Resender::start(Bytes datagram, Timestamp now) {
  datagram_ = std::move(datagram);
  last_size_ = datagram_.size();
  sent_again_ = 0;
  brief_ = false;
  next_ = after(now);
  give_up_ = kNever;
  hint_.reset();
}

void Resender::hasten(Timestamp now) {
  if (!waiting() || brief_) return;
  brief_ = true;
  sent_again_ = 0;
  next_ = after(now);
}

Timestamp Resender::after(Timestamp now) const {
  return now + (brief_ ? kBriefRetransmission : kFirstRetransmission * (1 << sent_again_));
}

void Resender::stop() {
  datagram_.clear();
  next_ = kNever;
  give_up_ = kNever;
}

Timestamp Resender::next() const { return std::min(next_, give_up_); }

Resender::Due Resender::poll(Timestamp now) {
  if (!waiting() || now < next()) return Due::kNothing;
  if (now >= give_up_ || sent_again_ == kRetransmissions) {
    stop();
    return Due::kGiveUp;
  }
  ++sent_again_;
  next_ = after(now);
  return Due::kSendAgain;
}

void Resender::hint(Failure reason, Timestamp now) {
  if (!waiting() || hint_) return;
  hint_ = std::move(reason);
  give_up_ = now + kWaitAfterHint;
}

Digest digest_of(ByteView datagram) {
  const Bytes octets = hash(Integrity::kSha256, {datagram});
  Digest digest;
  std::copy(octets.begin(), octets.end(), digest.begin());
  return digest;
}

void ReplyStore::begin(const Digest& request) {
  request_ = request;
  answer_.clear();
}

}  // namespace ipsec::ike
