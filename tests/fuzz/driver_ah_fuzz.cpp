// AH over hostile headers: what can be signed verifies, a changed payload never does, and a whole driver with SAs of
// AH, of AH around ESP and of ESP in UDP takes any octets, also under a good ICV.
#include <cstdlib>

#include "services/driver/core/ah.h"
#include "services/driver/core/control.h"
#include "services/driver/core/udp_encapsulation.h"
#include "tests/support/seeded_random.h"

using namespace ipsec;
using namespace ipsec::driver;

namespace {

constexpr std::size_t kAhSize = 24;  // HMAC-SHA1-96

void check(bool condition) {
  if (!condition) std::abort();
}

SecretBytes key() { return SecretBytes(std::size_t{20}); }

// The first octets choose what the packet looks like before AH; the rest are its options and its payload.
Bytes shaped(ByteView input) {
  const bool v4 = (input[0] & 1) != 0;
  const std::size_t words = (input[0] >> 1) % 11;
  const ByteView rest = input.subspan(1);
  const std::size_t before = std::min(rest.size() / 8 * 8, words * (v4 ? 4 : 8) / 8 * 8);
  const std::size_t header = (v4 ? kIpv4HeaderSize : kIpv6HeaderSize) + before;
  Bytes packet(header);
  std::copy_n(rest.begin(), before, packet.end() - static_cast<std::ptrdiff_t>(before));
  packet[0] = v4 ? static_cast<std::uint8_t>(0x40 | header / 4) : 0x60;
  packet[v4 ? 9 : 6] = v4 || before == 0 ? kProtocolAh : kProtocolRouting;
  if (!v4 && before != 0) {
    packet[40] = kProtocolAh;
    packet[41] = static_cast<std::uint8_t>(before / 8 - 1);
  }
  packet.resize(header + kAhSize);
  write_ah(MutableByteView(packet).subspan(header), kProtocolUdp, 0x1001, 1);
  packet.insert(packet.end(), rest.begin() + static_cast<std::ptrdiff_t>(before), rest.end());
  set_ip_length(packet, header);
  return packet;
}

void sign_and_verify(const Bytes& original, const AhKeys& keys) {
  Bytes packet = original;
  const auto view = parse_ip(packet);
  if (!view || view->tuple.protocol != kProtocolAh) return;
  Arena arena;
  const AhJob job{keys, 0, packet, view->upper_offset, kAhSize, std::nullopt, arena};
  if (!ah_sign(job)) return;
  check(ah_verify(job));
  packet.back() ^= 1;
  check(!ah_verify(job));
}

struct Driver {
  Driver() : control(random), worker(*control.make_worker(random)), keys(*AhKeys::make(Integrity::kSha1, key())) {
    Policy policy;
    policy.active = true;
    policy.local_addresses = {local};
    check(control.set_policy(policy).ok());
    ah = install([](SaParameters& sa) { sa.protocol = SecurityProtocol::kAh; }, SecurityProtocol::kAh);
    tunnel = install(
        [](SaParameters& sa) {
          sa.protocol = SecurityProtocol::kAh;
          sa.encapsulation = Encapsulation::kTunnel;
        },
        SecurityProtocol::kAh);
    bundle = *control.reserve_spi(SecurityProtocol::kAh, local, peer, {});
    install([this](SaParameters& sa) { sa.ah = AroundEsp{bundle, Integrity::kSha1, key()}; }, SecurityProtocol::kEsp);
    install(
        [](SaParameters& sa) {
          sa.udp = UdpEncapsulation{kNatTraversalPort, 1234, {}, {}};
        },
        SecurityProtocol::kEsp);
  }

  template <typename Change>
  std::uint32_t install(Change change, SecurityProtocol protocol) {
    SaParameters sa;
    sa.spi = *control.reserve_spi(protocol, local, peer, {});
    sa.direction = Direction::kInbound;
    sa.source = peer;
    sa.destination = local;
    sa.integrity = Integrity::kSha1;
    sa.integrity_key = key();
    change(sa);
    const std::uint32_t spi = sa.spi;
    check(control.install_sa(std::move(sa), {}).ok());
    return spi;
  }

  void receive(Bytes packet) {
    Packet view{packet, {}};
    Output output;
    worker->process_inbound({&view, 1}, *control.tables(), {}, output);
    for (const PacketList* list : {&output.to_wire, &output.to_host}) {
      for (std::size_t i = 0; i < list->size(); ++i) check((*list)[i].size > 0 && (*list)[i].size <= 65575);
    }
  }

  // An authentic packet whose payload is any octets.
  void receive_signed(std::uint32_t spi, std::uint8_t next_header, ByteView payload) {
    Bytes packet(kIpv4HeaderSize + kAhSize);
    packet[0] = 0x45;
    packet[9] = kProtocolAh;
    std::copy_n(peer.bytes().begin(), 4, packet.begin() + 12);
    std::copy_n(local.bytes().begin(), 4, packet.begin() + 16);
    write_ah(MutableByteView(packet).subspan(kIpv4HeaderSize), next_header, spi, ++sequence);
    packet.insert(packet.end(), payload.begin(), payload.end());
    set_ip_length(packet, kIpv4HeaderSize);
    check(ah_sign({*keys, 1, packet, kIpv4HeaderSize, kAhSize, std::nullopt, arena}));
    arena.reset();
    receive(std::move(packet));
  }

  tests::SeededRandom random{51};
  IpAddress local = IpAddress::v4(0x0A4D0001);
  IpAddress peer = IpAddress::v4(0x0A4D0002);
  Control control;
  std::unique_ptr<Worker> worker;
  std::shared_ptr<const AhKeys> keys;
  std::uint32_t ah = 0;
  std::uint32_t tunnel = 0;
  std::uint32_t bundle = 0;
  std::uint32_t sequence = 0;
  Arena arena;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Driver driver;
  if (size < 3) return 0;
  const ByteView rest(data + 2, size - 2);
  switch (data[0] % 6) {
    case 0:
      sign_and_verify(shaped(rest), *driver.keys);
      break;
    case 1:
      driver.receive_signed(driver.ah, data[1], rest);
      break;
    case 2:
      driver.receive_signed(driver.tunnel, (data[1] & 1) != 0 ? kProtocolIpv4 : kProtocolIpv6, rest);
      break;
    case 3:
      driver.receive_signed(driver.bundle, (data[1] & 1) != 0 ? kProtocolEsp : data[1], rest);
      break;
    case 4: {
      // ESP, ISAKMP or anything in UDP.
      Bytes packet(kIpv4HeaderSize + kUdpHeaderSize);
      packet[0] = 0x45;
      packet[9] = kProtocolUdp;
      std::copy_n(driver.peer.bytes().begin(), 4, packet.begin() + 12);
      std::copy_n(driver.local.bytes().begin(), 4, packet.begin() + 16);
      store_u16(&packet[22], (data[1] & 1) != 0 ? kNatTraversalPort : kIsakmpPort);
      packet.insert(packet.end(), rest.begin(), rest.end());
      set_ip_length(packet, kIpv4HeaderSize);
      driver.receive(std::move(packet));
      break;
    }
    default:
      driver.receive(shaped(rest));
  }
  return 0;
}
