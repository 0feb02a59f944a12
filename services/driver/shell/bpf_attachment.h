#pragma once

#include <map>
#include <memory>

#include "services/common/crypto/random.h"
#include "services/driver/shell/attachment.h"
#include "services/driver/shell/netlink.h"

struct hooks;

namespace ipsec::driver {

// Attaches with the programs of services/driver/bpf and two TUN devices for each NIC, "ipsec-hN" and "ipsec-wN" for
// interface number N. Needs CAP_NET_ADMIN and CAP_BPF.
class BpfAttachment : public Attachment {
 public:
  // `random` chooses the marks of delivered packets; it must outlive this object.
  static Result<std::unique_ptr<BpfAttachment>> create(RandomSource& random);
  // Does not detach: what is attached stays and drops everything.
  ~BpfAttachment() override;

  Result<std::vector<PortPair>> attach(const Nic& nic, unsigned workers) override;
  Status update(const Nic& nic) override;
  bool is_intact(const Nic& nic) override;
  Result<std::vector<PortPair>> repair(const Nic& nic, unsigned workers) override;
  void set_has_tunnels(bool has) override;
  Status detach(const Nic& nic) override;
  std::vector<Nic> left_behind(const std::vector<Nic>& nics) override;

 private:
  struct SkeletonCloser {
    void operator()(hooks* skeleton) const;
  };
  using Skeleton = std::unique_ptr<hooks, SkeletonCloser>;
  struct Attached {
    Skeleton programs;
    std::uint32_t host_tun = 0;
    std::uint32_t wire_tun = 0;
    std::vector<std::uint32_t> broadcast_addresses;
    bool made_clsact = false;
  };

  BpfAttachment(Netlink netlink, RandomSource& random);
  Result<Skeleton> load(const Nic& nic, std::uint32_t host_tun, std::uint32_t wire_tun);

  Netlink netlink_;
  RandomSource& random_;
  std::map<std::uint32_t, Attached> attached_;
  bool has_tunnels_ = false;
};

}  // namespace ipsec::driver
