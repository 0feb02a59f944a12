// ESP of every suite and both backends: whatever octets come, opening them ends with a verdict; what was sealed opens
// to the same, and with one bit changed it does not.
#include <cstdlib>

#include "services/common/crypto/random.h"
#include "services/driver/core/ip.h"
#include "services/driver/core/udp_encapsulation.h"
#include "services/driver/crypto/esp_engine.h"

using namespace ipsec;
using namespace ipsec::driver;

namespace {

void demand(bool holds) {
  if (!holds) std::abort();
}

class Zeros : public RandomSource {
 public:
  void fill(MutableByteView out) override { std::fill(out.begin(), out.end(), std::uint8_t{0x5A}); }
};

struct Engine {
  Engine() : engine(62, random) {
    for (const EspBackend backend : {EspBackend::kOpenssl, EspBackend::kMultiBuffer}) {
      if (!is_available(backend)) continue;
      for (const auto& [cipher, integrity] : suites()) add(cipher, integrity, backend);
    }
    demand(!keys.empty());
  }
  static std::vector<std::pair<Cipher, Integrity>> suites() {
    return {{Cipher::kAes128Gcm, Integrity::kNone}, {Cipher::kAes256Gcm, Integrity::kNone},
            {Cipher::kAes128Cbc, Integrity::kSha1}, {Cipher::kAes256Cbc, Integrity::kSha256},
            {Cipher::kTripleDes, Integrity::kSha1}, {Cipher::kNull, Integrity::kSha1},
            {Cipher::kNull, Integrity::kMd5}};
  }
  void add(Cipher cipher, Integrity integrity, EspBackend backend) {
    const EspSuite suite = *EspSuite::of(cipher, integrity);
    auto made =
        make_esp_keys(cipher, integrity, key(suite.cipher_key_size), key(suite.integrity_key_size), false, backend);
    if (made.ok()) keys.push_back(*std::move(made));
  }
  static SecretBytes key(std::size_t size) {
    Bytes octets(size);
    for (std::size_t i = 0; i < size; ++i) octets[i] = static_cast<std::uint8_t>(i * 7 + 1);
    return SecretBytes(ByteView(octets));
  }

  Zeros random;
  EspEngine engine;
  std::vector<std::shared_ptr<const EspKeys>> keys;
};

EspVerdict open(Engine& engine, const EspKeys& keys, MutableByteView packet) {
  EspJob job{&keys, packet};
  engine.engine.open({&job, 1});
  return job.verdict;
}

void seal_and_open(Engine& engine, const EspKeys& keys, ByteView payload, std::size_t flip) {
  const EspSuite& suite = keys.suite();
  const std::size_t encrypted = suite.encrypted_size(payload.size());
  if (!suite.fits(suite.packet_size(encrypted))) return;
  Bytes packet(suite.packet_size(encrypted));
  store_u32(packet.data(), 0x1234);
  store_u32(&packet[4], 1);
  const MutableByteView clear = suite.encrypted_part(packet);
  std::copy(payload.begin(), payload.end(), clear.begin());
  const Bytes before(clear.begin(), clear.end());
  EspJob job{&keys, packet};
  engine.engine.seal({&job, 1});
  demand(job.verdict == EspVerdict::kOk);
  Bytes changed = packet;
  changed[flip / 8 % changed.size()] ^= static_cast<std::uint8_t>(1U << flip % 8);
  demand(open(engine, keys, changed) == EspVerdict::kBadIcv);
  demand(open(engine, keys, packet) == EspVerdict::kOk);
  demand(std::equal(before.begin(), before.end(), clear.begin()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Engine engine;
  if (size < 4) return 0;
  const EspKeys& keys = *engine.keys[data[0] % engine.keys.size()];
  const std::size_t flip = static_cast<std::size_t>(data[1]) << 8 | data[2];
  Bytes packet(data + 3, data + size);
  const EspVerdict verdict = open(engine, keys, packet);
  demand(verdict == EspVerdict::kBadLength || verdict == EspVerdict::kBadIcv);
  demand((verdict == EspVerdict::kBadLength) == !keys.suite().fits(size - 3));
  seal_and_open(engine, keys, ByteView(data + 3, size - 3), flip);
  // ESP in UDP, as far as it is found in any packet.
  Bytes datagram(data + 1, data + size);
  if (const auto view = parse_ip(datagram); view && !view->is_fragment && view->tuple.protocol == kProtocolUdp) {
    const auto inside = read_udp_encapsulation(*view);
    demand(!inside || inside->keep_alive || inside->esp_offset <= view->bytes.size());
  }
  return 0;
}
