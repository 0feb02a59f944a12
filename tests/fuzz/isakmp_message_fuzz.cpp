#include <cstdint>
#include <cstdlib>
#include <vector>

#include "services/ike/wire/identity.h"
#include "services/ike/wire/limits.h"
#include "services/ike/wire/message.h"
#include "services/ike/wire/payload_rules.h"

// Octets of a peer through the gates of shape and rules. The first octet chooses the type of the first payload, so that
// chains are reached without a whole header; then the same octets are taken for a datagram.
namespace {

using namespace ipsec;
using namespace ipsec::ike;

void require(bool condition) {
  if (!condition) std::abort();
}

void look_at(const PayloadChain& chain) {
  require(!chain.payloads.empty() && chain.payloads.size() <= kMaxPayloads);
  std::vector<PayloadContent> contents;
  for (const Payload& payload : chain.payloads) {
    require(payload.begin < payload.end && payload.end <= chain.octets.size());
    contents.push_back(payload.content);
    if (const auto* identity = std::get_if<IdentificationPayload>(&payload.content)) {
      if (const auto range = identity_range(*identity); range.ok()) require(range->first <= range->last);
      to_string(*identity);
    }
  }
  for (int kind = 0; kind <= static_cast<int>(MessageKind::kInformational); ++kind)
    (void)check_payloads(static_cast<MessageKind>(kind), chain);
  // What was read can be written and read again to the same values.
  const auto again = parse_payloads(chain.payloads.front().type(), write_payloads(contents), 0);
  require(again.ok());
  require(again->payloads.size() == contents.size());
  for (std::size_t i = 0; i < contents.size(); ++i) require(again->payloads[i].content == contents[i]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView octets(data, size);
  if (size > 0) {
    const auto chain = parse_payloads(static_cast<PayloadType>(octets[0]), octets.subspan(1), 255);
    if (chain.ok()) look_at(*chain);
  }
  const auto message = parse_clear_message(octets);
  if (message.ok()) look_at(message->chain);
  if (const auto sa = parse_sa(octets); sa.ok()) {
    ByteWriter out;
    write_sa_body(out, *sa);
    const auto again = parse_sa(out.view());
    require(again.ok() && *again == *sa);
  }
  return 0;
}
