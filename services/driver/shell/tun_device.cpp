#include "services/driver/shell/tun_device.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

namespace ipsec::driver {
namespace {

// Newer than the headers of Debian 12 (Linux 6.2): segmentation of UDP.
constexpr unsigned kOffloadUdp4 = 0x20;
constexpr unsigned kOffloadUdp6 = 0x40;
constexpr unsigned kOffloadTcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;

constexpr const char* kTunControl = "/dev/net/tun";

Status tun_error(const std::string& name, std::string_view what) {
  const int error = errno;
  const std::string text = fmt::format("TUN device '{}': {}: {}", name, what, std::strerror(error));
  if (error == EBUSY) return already_exists(text + "; another driver is attached in this network namespace");
  return unavailable(text);
}

Result<FileDescriptor> open_queue(const std::string& name, bool first) {
  FileDescriptor queue(open(kTunControl, O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!queue.is_open()) return tun_error(name, fmt::format("open {} (is the tun module there?)", kTunControl));
  ifreq request{};
  if (name.size() >= sizeof(request.ifr_name)) return invalid(fmt::format("TUN device '{}': name too long", name));
  std::memcpy(request.ifr_name, name.data(), name.size());
  request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE;
  if (first) request.ifr_flags = static_cast<short>(static_cast<unsigned short>(request.ifr_flags) | IFF_TUN_EXCL);
  if (ioctl(queue.get(), TUNSETIFF, &request) != 0) return tun_error(name, "add a queue");
  return queue;
}

Status set_offload(const std::string& name, const FileDescriptor& queue) {
  if (ioctl(queue.get(), TUNSETOFFLOAD, kOffloadTcp | kOffloadUdp4 | kOffloadUdp6) == 0) return {};
  if (ioctl(queue.get(), TUNSETOFFLOAD, kOffloadTcp) == 0) return {};
  return tun_error(name, "set TCP segmentation offload");
}

Result<std::uint32_t> index_of(const std::string& name, const FileDescriptor& queue) {
  // The queue tells the name the kernel gave; the index must come from a socket of the same network namespace.
  const FileDescriptor control(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  if (ioctl(queue.get(), TUNGETIFF, &request) != 0 || ioctl(control.get(), SIOCGIFINDEX, &request) != 0) {
    return tun_error(name, "find its index");
  }
  return static_cast<std::uint32_t>(request.ifr_ifindex);
}

}  // namespace

Result<TunDevice> TunDevice::create(const std::string& name, unsigned queues) {
  TunDevice device;
  for (unsigned i = 0; i < queues; ++i) {
    IPSEC_ASSIGN_OR_RETURN(FileDescriptor queue, open_queue(name, i == 0));
    device.queues.push_back(std::move(queue));
  }
  IPSEC_RETURN_IF_ERROR(set_offload(name, device.queues.front()));
  IPSEC_ASSIGN_OR_RETURN(device.index, index_of(name, device.queues.front()));
  return device;
}

Status TunDevice::steer(const std::string& name, int program) const {
  if (ioctl(queues.front().get(), TUNSETSTEERINGEBPF, &program) == 0) return {};
  return tun_error(name, "steer packets to its queues");
}

}  // namespace ipsec::driver
