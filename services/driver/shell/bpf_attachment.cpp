#include "services/driver/shell/bpf_attachment.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "services/driver/bpf/hooks.skel.h"
#include "services/driver/shell/limits.h"
#include "services/driver/shell/tun_device.h"

namespace ipsec::driver {
namespace {

// Our place on a hook: first of all, under a handle that no other program is likely to use ("IP").
constexpr std::uint32_t kPriority = 1;
constexpr std::uint32_t kHandle = 0x4950;

bpf_tc_hook hook_of(std::uint32_t index, bpf_tc_attach_point point) {
  bpf_tc_hook hook{};
  hook.sz = sizeof(hook);
  hook.ifindex = static_cast<int>(index);
  hook.attach_point = point;
  return hook;
}

bpf_tc_opts place() {
  bpf_tc_opts options{};
  options.sz = sizeof(options);
  options.handle = kHandle;
  options.priority = kPriority;
  return options;
}

// libbpf returns -errno.
Status tc_error(std::string_view interface_name, std::string_view what, int error) {
  return unavailable(fmt::format("interface '{}': {}: {}", interface_name, what, std::strerror(-error)));
}

// Whether the clsact qdisc was made by this call, or was there.
Result<bool> make_clsact(const std::string& name, std::uint32_t index) {
  bpf_tc_hook hook = hook_of(index, static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS));
  const int outcome = bpf_tc_hook_create(&hook);
  if (outcome == 0) return true;
  if (outcome == -EEXIST) return false;
  return tc_error(name, "make the clsact qdisc", outcome);
}

Status attach_program(const std::string& name, std::uint32_t index, bpf_tc_attach_point point,
                      const bpf_program* program) {
  const bpf_tc_hook hook = hook_of(index, point);
  bpf_tc_opts options = place();
  options.prog_fd = bpf_program__fd(program);
  options.flags = BPF_TC_F_REPLACE;
  const int outcome = bpf_tc_attach(&hook, &options);
  if (outcome == 0) return {};
  return tc_error(name, fmt::format("attach program {}", bpf_program__name(program)), outcome);
}

bool is_attached(std::uint32_t index, bpf_tc_attach_point point) {
  const bpf_tc_hook hook = hook_of(index, point);
  bpf_tc_opts options = place();
  return bpf_tc_query(&hook, &options) == 0;
}

// The program on a NIC's egress is the first to come and the last to go, and TUN devices have none: it tells the NICs
// that a driver is in front of.
bool has_our_egress(std::uint32_t index) { return is_attached(index, BPF_TC_EGRESS); }

Status detach_program(const std::string& name, std::uint32_t index, bpf_tc_attach_point point) {
  if (!is_attached(index, point)) return {};
  const bpf_tc_hook hook = hook_of(index, point);
  const bpf_tc_opts options = place();
  const int outcome = bpf_tc_detach(&hook, &options);
  return outcome == 0 || outcome == -ENOENT ? Status() : tc_error(name, "detach", outcome);
}

void remove_clsact(std::uint32_t index) {
  bpf_tc_hook hook = hook_of(index, static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS));
  bpf_tc_hook_destroy(&hook);
}

// The kernel would otherwise join multicast groups on it and report them into the driver. Its failure costs no more
// than such reports (a read-only /proc/sys in a container).
void disable_ipv6(const std::string& tun_name) {
  std::ofstream("/proc/sys/net/ipv6/conf/" + tun_name + "/disable_ipv6") << "1";
}

// The reverse path filter and the like need no change on these devices: no packet of theirs reaches the IP stack, for
// the program on their ingress takes every one.
Result<TunDevice> start_tun(Netlink& netlink, const std::string& name, unsigned workers) {
  IPSEC_ASSIGN_OR_RETURN(TunDevice tun, TunDevice::create(name, workers));
  disable_ipv6(name);
  IPSEC_RETURN_IF_ERROR(with_context(netlink.start_tun(tun.index, limits::kTunMtu, limits::kTunQueueLength),
                                     "TUN device '" + name + "'"));
  return tun;
}

std::string host_tun_name(std::uint32_t nic) { return fmt::format("{}h{}", kTunNamePrefix, nic); }
std::string wire_tun_name(std::uint32_t nic) { return fmt::format("{}w{}", kTunNamePrefix, nic); }

Status set_broadcast_addresses(int map, const std::vector<std::uint32_t>& before,
                               const std::vector<std::uint32_t>& now) {
  for (const std::uint32_t address : before) {
    if (!std::binary_search(now.begin(), now.end(), address)) bpf_map_delete_elem(map, &address);
  }
  const std::uint8_t present = 1;
  for (const std::uint32_t address : now) {
    const int outcome = bpf_map_update_elem(map, &address, &present, BPF_ANY);
    if (outcome != 0) return unavailable(fmt::format("set its broadcast addresses: {}", std::strerror(-outcome)));
  }
  return {};
}

int print_nothing(libbpf_print_level, const char*, va_list) { return 0; }

}  // namespace

void BpfAttachment::SkeletonCloser::operator()(hooks* skeleton) const { hooks::destroy(skeleton); }

Result<std::unique_ptr<BpfAttachment>> BpfAttachment::create(RandomSource& random) {
  // Its complaints (such as "Exclusivity flag on" for a qdisc that is there) come back as errors, with the context.
  libbpf_set_print(print_nothing);
  IPSEC_ASSIGN_OR_RETURN(Netlink netlink, Netlink::open());
  return std::unique_ptr<BpfAttachment>(new BpfAttachment(std::move(netlink), random));
}

BpfAttachment::BpfAttachment(Netlink netlink, RandomSource& random) : netlink_(std::move(netlink)), random_(random) {}
BpfAttachment::~BpfAttachment() = default;

Result<BpfAttachment::Skeleton> BpfAttachment::load(const Nic& nic, std::uint32_t host_tun, std::uint32_t wire_tun) {
  Skeleton programs(hooks::open());
  if (!programs) return unavailable(fmt::format("open the eBPF programs: {}", std::strerror(errno)));
  programs->rodata->nic_ifindex = nic.index;
  programs->rodata->host_tun_ifindex = host_tun;
  programs->rodata->wire_tun_ifindex = wire_tun;
  do {
    programs->rodata->delivered_mark = random_.u32();
  } while (programs->rodata->delivered_mark == 0);
  std::copy(nic.address.begin(), nic.address.end(), programs->bss->nic_address);
  programs->bss->has_tunnels = has_tunnels_ ? 1 : 0;
  const int outcome = hooks::load(programs.get());
  if (outcome != 0) {
    return unavailable(fmt::format("load the eBPF programs: {} (they need Linux 5.10, CAP_BPF and CAP_NET_ADMIN)",
                                   std::strerror(-outcome)));
  }
  IPSEC_RETURN_IF_ERROR(
      set_broadcast_addresses(bpf_map__fd(programs->maps.broadcast_addresses), {}, nic.broadcast_addresses));
  return programs;
}

Result<std::vector<PortPair>> BpfAttachment::attach(const Nic& nic, unsigned workers) {
  if (!nic.ethernet) {
    return invalid(
        fmt::format("interface '{}': not an Ethernet interface; the driver attaches to Ethernet only", nic.name));
  }
  const std::string host_name = host_tun_name(nic.index);
  const std::string wire_name = wire_tun_name(nic.index);
  IPSEC_ASSIGN_OR_RETURN(TunDevice host, start_tun(netlink_, host_name, workers));
  IPSEC_ASSIGN_OR_RETURN(TunDevice wire, start_tun(netlink_, wire_name, workers));
  IPSEC_ASSIGN_OR_RETURN(Skeleton loaded, load(nic, host.index, wire.index));
  const auto& programs = loaded->progs;

  IPSEC_RETURN_IF_ERROR(host.steer(host_name, bpf_program__fd(programs.steer_from_host)));
  IPSEC_RETURN_IF_ERROR(wire.steer(wire_name, bpf_program__fd(programs.steer_from_wire)));

  const bool replaces = has_our_egress(nic.index);
  // The TUNs first: nothing that comes out of them may reach the IP stack as it is.
  for (const auto& [name, index, program] : {std::tuple{host_name, host.index, programs.host_ingress},
                                             std::tuple{wire_name, wire.index, programs.wire_ingress}}) {
    IPSEC_RETURN_IF_ERROR(make_clsact(name, index).status());
    IPSEC_RETURN_IF_ERROR(attach_program(name, index, BPF_TC_INGRESS, program));
  }
  IPSEC_ASSIGN_OR_RETURN(const bool made_clsact, make_clsact(nic.name, nic.index));
  IPSEC_RETURN_IF_ERROR(attach_program(nic.name, nic.index, BPF_TC_EGRESS, programs.nic_egress));
  IPSEC_RETURN_IF_ERROR(attach_program(nic.name, nic.index, BPF_TC_INGRESS, programs.nic_ingress));
  attached_[nic.index] = {std::move(loaded), host.index, wire.index, nic.broadcast_addresses, made_clsact || replaces};

  std::vector<PortPair> ports;
  for (unsigned i = 0; i < workers; ++i) {
    ports.push_back(
        {std::make_unique<TunPort>(std::move(host.queues[i])), std::make_unique<TunPort>(std::move(wire.queues[i]))});
  }
  return ports;
}

Status BpfAttachment::update(const Nic& nic) {
  const auto attached = attached_.find(nic.index);
  if (attached == attached_.end()) return not_found(fmt::format("interface '{}': not attached", nic.name));
  Attached& mine = attached->second;
  std::copy(nic.address.begin(), nic.address.end(), mine.programs->bss->nic_address);
  const int map = bpf_map__fd(mine.programs->maps.broadcast_addresses);
  const Status status = set_broadcast_addresses(map, mine.broadcast_addresses, nic.broadcast_addresses);
  mine.broadcast_addresses = nic.broadcast_addresses;
  return with_context(status, fmt::format("interface '{}'", nic.name));
}

void BpfAttachment::set_has_tunnels(bool has) {
  has_tunnels_ = has;
  for (auto& [index, attached] : attached_) attached.programs->bss->has_tunnels = has ? 1 : 0;
}

bool BpfAttachment::is_intact(const Nic& nic) {
  const auto attached = attached_.find(nic.index);
  if (attached == attached_.end()) return false;
  return is_attached(nic.index, BPF_TC_EGRESS) && is_attached(nic.index, BPF_TC_INGRESS) &&
         is_attached(attached->second.host_tun, BPF_TC_INGRESS) &&
         is_attached(attached->second.wire_tun, BPF_TC_INGRESS);
}

Result<std::vector<PortPair>> BpfAttachment::repair(const Nic& nic, unsigned workers) {
  attached_.erase(nic.index);
  return attach(nic, workers);
}

Status BpfAttachment::detach(const Nic& nic) {
  const auto attached = attached_.find(nic.index);
  // What a dead process left behind cannot say who made the qdisc; most likely that process.
  const bool our_clsact = attached == attached_.end() ? has_our_egress(nic.index) : attached->second.made_clsact;
  if (attached != attached_.end()) attached_.erase(attached);
  IPSEC_RETURN_IF_ERROR(detach_program(nic.name, nic.index, BPF_TC_INGRESS));
  IPSEC_RETURN_IF_ERROR(detach_program(nic.name, nic.index, BPF_TC_EGRESS));
  if (!our_clsact) return {};
  const Result<bool> others = netlink_.has_filters(nic.index);
  if (others.ok() && !*others) remove_clsact(nic.index);
  return {};
}

std::vector<Nic> BpfAttachment::left_behind(const std::vector<Nic>& nics) {
  std::vector<Nic> found;
  for (const Nic& nic : nics) {
    if (attached_.contains(nic.index)) continue;
    if (has_our_egress(nic.index)) found.push_back(nic);
  }
  return found;
}

}  // namespace ipsec::driver
