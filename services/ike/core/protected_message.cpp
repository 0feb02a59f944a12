#include "services/ike/core/protected_message.h"

#include <cassert>
#include <utility>

#include "services/common/crypto/cbc.h"

namespace ipsec::ike {

namespace {

Bytes last_block(ByteView ciphertext, std::size_t block_size) {
  const ByteView block = ciphertext.last(block_size);
  return {block.begin(), block.end()};
}

// Appendix B of RFC 2409 pads with less than a block; some stacks add a whole one, others more with a length octet.
constexpr std::size_t kPaddingLimit = 255;

}  // namespace

Sealed seal(const Protection& protection, ByteView iv, Header header, std::span<const PayloadContent> payloads) {
  assert(!payloads.empty());
  const std::size_t block_size = info(protection.cipher).block_size;
  Bytes body = write_payloads(payloads);
  body.resize((body.size() + block_size - 1) / block_size * block_size);
  cbc_encrypt(protection.cipher, protection.key.view(), iv, body);

  header.next_payload = type_of(payloads.front());
  header.flags |= kFlagEncrypted;
  header.length = static_cast<std::uint32_t>(kHeaderSize + body.size());
  ByteWriter out;
  write_header(out, header);
  out.bytes(body);
  return {out.take(), last_block(body, block_size)};
}

Result<Opened> open(const Protection& protection, ByteView iv, const Header& header, ByteView datagram) {
  const std::size_t block_size = info(protection.cipher).block_size;
  const ByteView ciphertext = datagram.subspan(kHeaderSize);
  if (ciphertext.empty() || ciphertext.size() % block_size != 0) {
    return invalid(
        fmt::format("encrypted message: {} octets are no whole blocks of {}", ciphertext.size(), block_size));
  }
  Bytes body(ciphertext.begin(), ciphertext.end());
  cbc_decrypt(protection.cipher, protection.key.view(), iv, body);
  IPSEC_ASSIGN_OR_RETURN(auto chain, parse_payloads(header.next_payload, body, kPaddingLimit));
  return Opened{std::move(chain), last_block(ciphertext, block_size)};
}

}  // namespace ipsec::ike
