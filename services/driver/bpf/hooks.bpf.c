// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
//
// The programs that put the driver between the IP stack and one NIC, and those that choose the worker of a packet. One
// copy is loaded for each NIC, with that NIC's numbers in its read-only data, so that the NIC of a packet is always
// known.
//
//    IP stack ── nic_egress ──► host-side TUN ──► driver ──► wire-side TUN ── wire_ingress ──► NIC
//    IP stack ◄── NIC ◄── host_ingress ── host-side TUN ◄── driver ◄── wire-side TUN ◄── nic_ingress ── NIC
//
// How a packet that comes from the driver is told from any other:
//
// Towards the wire its ingress interface is the wire-side TUN. Only the kernel sets that field; packets of local
// sockets have 0 there, forwarded ones the interface they came in by. No mark is needed, so no fwmark rule of the host
// can be disturbed by the route lookup of bpf_redirect_neigh.
//
// Towards the stack the kernel resets that field on its way, so the packet carries a mark of 32 random bits, chosen
// anew with every attachment and cleared before the stack sees it. Nobody outside can set it: a packet from a wire has
// mark 0, and a mark does not cross network namespaces.
//
// Whoever could forge either needs the right to load programs here and could as well remove these.
//
// Every packet that passes returns TC_ACT_UNSPEC, which lets filters of others on the same hook decide after us.

// The kernel's types come before the helpers that use them.
// clang-format off
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
// clang-format on

enum {
  kIpv4FragmentField = 6,  // offsets in the IP headers
  kIpv4Protocol = 9,
  kIpv4Source = 12,
  kIpv4Destination = 16,
  kIpv6Source = 8,
  kIpv6NextHeader = 6,
  kIpv6Destination = 24,
  kIpv6HeaderSize = 40,
  kEsp = 50,
  kAh = 51,
  kAhSpi = 4,  // offset of the SPI in AH; in ESP it comes first
  kMoreFragmentsOrOffset = 0x3fff,
  kNextHeaderIcmpv6 = 58,
  kRouterSolicitation = 133,
  kRedirect = 137,
  kNeighbourDiscoveryHopLimit = 255,
  kVlanIdMask = 0x0fff,
  kVlanTagsAtMost = 4,
  kBroadcastAddressesAtMost = 256,
};

const volatile __u32 nic_ifindex = 0;
const volatile __u32 host_tun_ifindex = 0;
const volatile __u32 wire_tun_ifindex = 0;
const volatile __u32 delivered_mark = 0;

// These change while attached.
unsigned char nic_address[ETH_ALEN] = {0};
__u8 has_tunnels = 0;  // of the policy; a bool here would put C's _Bool into the C++ skeleton

// Directed broadcast addresses of the NIC's subnets, network byte order. A packet does not tell that its destination is
// one.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, kBroadcastAddressesAtMost);
  __type(key, __u32);
  __type(value, __u8);
} broadcast_addresses SEC(".maps");

// Every bit to the low ones (the mixing of MurmurHash3): the kernel takes the remainder by the number of queues.
static __always_inline __u32 mix(__u32 value) {
  value = (value ^ (value >> 16)) * 0x85ebca6b;
  value = (value ^ (value >> 13)) * 0xc2b2ae35;
  return value ^ (value >> 16);
}

// Which worker gets a packet, as long as the policy has no tunnels: both directions between two hosts go to the same
// one. The packets of an SA then leave and arrive in the order of their sequence numbers (replay windows may hold no
// more than 32 packets, our own hold 64), fragments meet each other and the whole packets of their SA, and counters
// stay in one cache.
static __always_inline __u32 worker_of(struct __sk_buff* skb) {
  __u64 words[4];
  if (skb->protocol == bpf_htons(ETH_P_IP)) {
    if (bpf_skb_load_bytes_relative(skb, kIpv4Source, words, 8, BPF_HDR_START_NET)) return 0;
  } else {
    if (bpf_skb_load_bytes_relative(skb, kIpv6Source, words, 32, BPF_HDR_START_NET)) return 0;
    // No loop: an index into the stack would need CAP_PERFMON.
    words[0] ^= words[1] ^ words[2] ^ words[3];
  }
  return mix((__u32)(words[0] ^ (words[0] >> 32)));
}

// Where AH or ESP begins in a whole packet; 0: in another one, or behind extension headers.
static __always_inline __u32 protection_offset(struct __sk_buff* skb, __u8* protocol) {
  if (skb->protocol == bpf_htons(ETH_P_IP)) {
    __u8 version_and_length;
    __be16 fragment;
    if (bpf_skb_load_bytes_relative(skb, 0, &version_and_length, 1, BPF_HDR_START_NET)) return 0;
    if (bpf_skb_load_bytes_relative(skb, kIpv4FragmentField, &fragment, 2, BPF_HDR_START_NET)) return 0;
    if (bpf_skb_load_bytes_relative(skb, kIpv4Protocol, protocol, 1, BPF_HDR_START_NET)) return 0;
    if (fragment & bpf_htons(kMoreFragmentsOrOffset)) return 0;
    return (version_and_length & 0xf) * 4;
  }
  if (bpf_skb_load_bytes_relative(skb, kIpv6NextHeader, protocol, 1, BPF_HDR_START_NET)) return 0;
  return kIpv6HeaderSize;
}

// False: no whole packet of AH or ESP. What is in UDP is none: its worker must be that of the answers.
static __always_inline bool find_spi(struct __sk_buff* skb, __u32* spi) {
  __u8 protocol = 0;
  const __u32 offset = protection_offset(skb, &protocol);
  if (offset == 0 || (protocol != kEsp && protocol != kAh)) return false;
  return bpf_skb_load_bytes_relative(skb, offset + (protocol == kAh ? kAhSpi : 0), spi, sizeof(*spi),
                                     BPF_HDR_START_NET) == 0;
}

// A tunnel carries packets between many hosts in one SA. While a policy has tunnels, all that the host sends goes to
// one worker.
SEC("socket")
int steer_from_host(struct __sk_buff* skb) { return has_tunnels ? 0 : worker_of(skb); }

// With tunnels, what arrives under an SA goes to the SA's worker: two gateways with many SAs between them use all of
// them.
SEC("socket")
int steer_from_wire(struct __sk_buff* skb) {
  __u32 spi = 0;
  return has_tunnels && find_spi(skb, &spi) ? mix(spi) : worker_of(skb);
}

// Source of the frames handed up: locally administered, spells "IPSEC". A capture on the NIC can tell (and leave out)
// packets that the driver delivered by it.
static const unsigned char kDeliveredSource[ETH_ALEN] = {0x02, 'I', 'P', 'S', 'E', 'C'};

// RFC 4861 6.1 and 7.1: valid only with hop limit 255 and without extension headers before it (RFC 6980), so nothing
// from beyond the link can use this way past the driver.
static __always_inline bool is_neighbour_discovery(struct __sk_buff* skb) {
  __u8 next_header_and_hop_limit[2];
  if (bpf_skb_load_bytes(skb, ETH_HLEN + kIpv6NextHeader, next_header_and_hop_limit, 2)) return false;
  if (next_header_and_hop_limit[0] != kNextHeaderIcmpv6) return false;
  if (next_header_and_hop_limit[1] != kNeighbourDiscoveryHopLimit) return false;
  __u8 type;
  if (bpf_skb_load_bytes(skb, ETH_HLEN + kIpv6HeaderSize, &type, 1)) return false;
  return type >= kRouterSolicitation && type <= kRedirect;
}

// Tags of priority only (VLAN 0) do not make another interface: the stack takes such a frame as the NIC's own, so they
// go, and the packet is treated like any other. False: more of them than any sane sender uses.
static __always_inline bool drop_priority_tags(struct __sk_buff* skb) {
  for (int i = 0; i < kVlanTagsAtMost; i++) {
    if (!skb->vlan_present || (skb->vlan_tci & kVlanIdMask) != 0) return true;
    if (bpf_skb_vlan_pop(skb)) return false;
  }
  return !skb->vlan_present || (skb->vlan_tci & kVlanIdMask) != 0;
}

// Fills `address` where the destination's Ethernet address follows from its IP address; false: unicast.
static __always_inline bool group_address(struct __sk_buff* skb, unsigned char* address) {
  if (skb->protocol == bpf_htons(ETH_P_IP)) {
    __u32 destination;
    if (bpf_skb_load_bytes(skb, kIpv4Destination, &destination, sizeof(destination))) return false;
    const __u32 host_order = bpf_ntohl(destination);
    if ((host_order >> 28) == 0xe) {  // RFC 1112 6.4
      address[0] = 0x01;
      address[1] = 0x00;
      address[2] = 0x5e;
      address[3] = (host_order >> 16) & 0x7f;
      address[4] = (host_order >> 8) & 0xff;
      address[5] = host_order & 0xff;
      return true;
    }
    if (host_order != 0xffffffff && !bpf_map_lookup_elem(&broadcast_addresses, &destination)) return false;
    __builtin_memset(address, 0xff, ETH_ALEN);
    return true;
  }
  __u8 destination[16];
  if (bpf_skb_load_bytes(skb, kIpv6Destination, destination, sizeof(destination))) return false;
  if (destination[0] != 0xff) return false;
  address[0] = 0x33;  // RFC 2464 7
  address[1] = 0x33;
  __builtin_memcpy(address + 2, destination + 12, 4);
  return true;
}

static __always_inline bool is_ip(__be16 protocol) {
  return protocol == bpf_htons(ETH_P_IP) || protocol == bpf_htons(ETH_P_IPV6);
}

// Both helpers below need an Ethernet header; packets out of a TUN have none.
static __always_inline bool push_ethernet(struct __sk_buff* skb, struct ethhdr* header) {
  header->h_proto = skb->protocol;
  return bpf_skb_change_head(skb, ETH_HLEN, 0) == 0 && bpf_skb_store_bytes(skb, 0, header, ETH_HLEN, 0) == 0;
}

// Host to wire: every IP packet that does not come from the driver goes to it. ARP and all that is not IP stays with
// the kernel. A frame with a VLAN tag belongs to the VLAN's interface, which is a NIC with programs of its own.
SEC("tc")
int nic_egress(struct __sk_buff* skb) {
  if (skb->ingress_ifindex == wire_tun_ifindex) return TC_ACT_UNSPEC;
  if (skb->vlan_present) return TC_ACT_UNSPEC;
  // From the frame, not from skb->protocol: a packet socket may claim any protocol there.
  __be16 protocol;
  if (bpf_skb_load_bytes(skb, 2 * ETH_ALEN, &protocol, sizeof(protocol))) return TC_ACT_SHOT;
  if (!is_ip(protocol)) return TC_ACT_UNSPEC;
  if (protocol == bpf_htons(ETH_P_IPV6) && is_neighbour_discovery(skb)) return TC_ACT_UNSPEC;
  return bpf_redirect(host_tun_ifindex, 0);
}

// Wire to host. Frames for others (a promiscuous NIC, the address of a macvlan) are not this interface's: the stack
// drops them itself.
SEC("tc")
int nic_ingress(struct __sk_buff* skb) {
  if (skb->mark == delivered_mark) {
    skb->mark = 0;
    return TC_ACT_UNSPEC;
  }
  if (!drop_priority_tags(skb)) return TC_ACT_SHOT;
  if (skb->vlan_present || !is_ip(skb->protocol)) return TC_ACT_UNSPEC;
  if (skb->pkt_type == PACKET_OTHERHOST) return TC_ACT_UNSPEC;
  if (skb->protocol == bpf_htons(ETH_P_IPV6) && is_neighbour_discovery(skb)) return TC_ACT_UNSPEC;
  return bpf_redirect(wire_tun_ifindex, 0);
}

// What the driver wrote to be sent. The kernel finds the neighbour, except for groups, which it refuses.
SEC("tc")
int wire_ingress(struct __sk_buff* skb) {
  if (!is_ip(skb->protocol)) return TC_ACT_SHOT;
  struct ethhdr header = {};
  const bool group = group_address(skb, header.h_dest);
  __builtin_memcpy(header.h_source, nic_address, ETH_ALEN);
  if (!push_ethernet(skb, &header)) return TC_ACT_SHOT;
  return group ? bpf_redirect(nic_ifindex, 0) : bpf_redirect_neigh(nic_ifindex, NULL, 0, 0);
}

// What the driver hands up: received on the NIC, as far as the stack can see.
SEC("tc")
int host_ingress(struct __sk_buff* skb) {
  if (!is_ip(skb->protocol)) return TC_ACT_SHOT;
  struct ethhdr header = {};
  if (!group_address(skb, header.h_dest)) __builtin_memcpy(header.h_dest, nic_address, ETH_ALEN);
  __builtin_memcpy(header.h_source, kDeliveredSource, ETH_ALEN);
  if (!push_ethernet(skb, &header)) return TC_ACT_SHOT;
  skb->mark = delivered_mark;
  return bpf_redirect(nic_ifindex, BPF_F_INGRESS);
}

char kLicense[] SEC("license") = "Dual BSD/GPL";
