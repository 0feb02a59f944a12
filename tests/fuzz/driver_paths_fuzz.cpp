// Both packet paths over hostile octets: as they come from the wire, as the payload of an authentic ESP packet (a peer
// that has the keys may still lie), and as they come from the host with any offload information.
#include <cstdlib>

#include "services/common/crypto/random.h"
#include "services/driver/core/control.h"
#include "services/driver/core/ip.h"
#include "services/driver/crypto/esp_engine.h"

using namespace ipsec;
using namespace ipsec::driver;

namespace {

constexpr std::uint32_t kTransportSpi = 0x1001;
constexpr std::uint32_t kTunnelSpi = 0x1002;

// Gives out the SPIs that the corpus can know; zero for all else.
class FixedRandom : public RandomSource {
 public:
  void fill(MutableByteView out) override {
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    if (out.size() == 4) store_u32(out.data(), next_++);
  }

 private:
  std::uint32_t next_ = kTransportSpi;
};

struct Driver {
  Driver() : control(random), worker(*control.make_worker(random)), engine(63, random) {
    Policy policy;
    policy.active = true;
    policy.local_addresses = {local};
    Filter outbound;
    outbound.id = 1;
    outbound.action = Action::kNegotiate;
    Filter inbound = outbound;
    inbound.id = 2;
    inbound.direction = Direction::kInbound;
    // What the host sends over IPv6 goes through a tunnel.
    Filter tunnel = outbound;
    tunnel.id = 3;
    tunnel.selector.source = tunnel.selector.destination = AddressRange::any(AddressFamily::kIpv6);
    tunnel.tunnel_destination = peer;
    policy.filters = {outbound, inbound, tunnel};
    control.set_link({1280, {}});
    if (!control.set_policy(policy).ok()) std::abort();
    install(kTransportSpi, Encapsulation::kTransport);
    install(kTunnelSpi, Encapsulation::kTunnel);
    install_outbound(0x2000, Encapsulation::kTransport, outbound);
    install_outbound(0x2001, Encapsulation::kTunnel, tunnel);
    keys = *make_esp_keys(Cipher::kNull, Integrity::kSha1, {}, SecretBytes(std::size_t{20}));
  }

  SaParameters parameters(std::uint32_t spi, Encapsulation encapsulation) const {
    SaParameters sa;
    sa.spi = spi;
    sa.direction = Direction::kInbound;
    sa.encapsulation = encapsulation;
    sa.source = peer;
    sa.destination = local;
    sa.integrity = Integrity::kSha1;
    sa.integrity_key = SecretBytes(std::size_t{20});
    return sa;
  }
  void install(std::uint32_t spi, Encapsulation encapsulation) {
    if (!control.reserve_spi(SecurityProtocol::kEsp, local, peer, {}).ok()) std::abort();
    if (!control.install_sa(parameters(spi, encapsulation), {}).ok()) std::abort();
  }
  void install_outbound(std::uint32_t spi, Encapsulation encapsulation, const Filter& filter) {
    SaParameters sa = parameters(spi, encapsulation);
    sa.direction = Direction::kOutbound;
    std::swap(sa.source, sa.destination);
    sa.filter_id = filter.id;
    sa.selector = filter.selector;
    if (!control.install_sa(std::move(sa), {}).ok()) std::abort();
  }
  // An authentic ESP packet whose encrypted part is `clear`, cut to whole words.
  Bytes sealed(std::uint32_t spi, ByteView clear) {
    clear = clear.first(clear.size() / 4 * 4);
    ByteWriter out;
    out.u32(0x45000000U | static_cast<std::uint32_t>(20 + 8 + clear.size() + 12)).u32(0).u16(0x4032).u16(0);
    out.bytes(peer.bytes()).bytes(local.bytes()).u32(spi).u32(++sequence).bytes(clear).zeros(12);
    Bytes packet = out.take();
    set_ip_length(packet, 20);
    EspJob job{keys.get(), MutableByteView(packet).subspan(20)};
    engine.seal({&job, 1});
    return packet;
  }
  void run(Bytes packet, const OffloadInfo& offload, bool outbound) {
    Packet view{packet, offload};
    output.clear();
    if (outbound) {
      worker->process_outbound({&view, 1}, *control.tables(), {}, output);
    } else {
      worker->process_inbound({&view, 1}, *control.tables(), {}, output);
    }
    // Read every octet that would be written to a device.
    std::size_t sum = 0;
    for (const PacketList* list : {&output.to_wire, &output.to_host}) {
      for (std::size_t i = 0; i < list->size(); ++i) {
        const PacketList::Entry entry = (*list)[i];
        if (entry.size == 0 || entry.size > 65575) std::abort();
        for (const ByteView& piece : entry.pieces) {
          for (const std::uint8_t byte : piece) sum += byte;
        }
      }
    }
    if (sum == std::size_t(-1)) std::abort();
  }

  FixedRandom random;
  IpAddress local = IpAddress::v4(0x0A4D0001);
  IpAddress peer = IpAddress::v4(0x0A4D0002);
  Control control;
  std::unique_ptr<Worker> worker;
  EspEngine engine;
  std::shared_ptr<const EspKeys> keys;
  std::uint32_t sequence = 0;
  Output output;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Driver driver;
  if (size < 6) return 0;
  const ByteView rest(data + 6, size - 6);
  OffloadInfo offload{(data[1] & 1) != 0,
                      data[2],
                      data[3],
                      static_cast<Segmentation>((data[1] >> 1) & 3),
                      static_cast<std::uint16_t>(data[4] * 6),
                      data[5]};
  switch (data[0] % 4) {
    case 0:
      driver.run(Bytes(rest.begin(), rest.end()), {}, false);
      break;
    case 1:
    case 2:
      if (rest.size() >= 4) driver.run(driver.sealed(data[0] % 4 == 1 ? kTransportSpi : kTunnelSpi, rest), {}, false);
      break;
    default:
      driver.run(Bytes(rest.begin(), rest.end()), offload, true);
  }
  return 0;
}
