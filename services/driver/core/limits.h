#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "services/common/time.h"

// Every bound of the driver core and its reason.
namespace ipsec::driver::limits {

// What an IPv4 total length can say, and the largest super-packet that is made. An IPv6 packet may be longer by its
// header.
inline constexpr std::size_t kMaxPacketSize = 65535;

// What a shell should take from a port before it calls the worker: enough packets to fill the lanes of a multi-buffer
// cipher, few enough bytes that a batch and its ESP packets stay in a 1 MiB second-level cache.
inline constexpr std::size_t kBatchPackets = 64;
inline constexpr std::size_t kBatchBytes = std::size_t{256} * 1024;

// ESP packets handed to the cryptographic engine at once: fills the lanes of a multi-buffer cipher several times over,
// and what was just written is still in the second-level cache when it is encrypted.
inline constexpr std::size_t kCryptoBatch = 64;

// IPv6 extension headers walked before the packet is refused: more than any real stack sends, and a bound on work per
// packet.
inline constexpr unsigned kMaxExtensionHeaders = 8;

// Smallest path MTU that is believed or reported (RFC 791, RFC 8200).
inline constexpr std::uint16_t kMinMtuIpv4 = 576;
inline constexpr std::uint16_t kMinMtuIpv6 = 1280;
// What a link without a known MTU is taken for.
inline constexpr std::uint16_t kDefaultMtu = 1500;
// A path MTU learned from outside is forgotten after this time (RFC 1191 6.3).
inline constexpr Duration kPathMtuLifetime = std::chrono::minutes(10);

// A packet-too-big must quote one of so many packets that the SA has sent last: what is older has long arrived or gone,
// and who makes messages up has to know a number besides the SPI.
inline constexpr std::uint32_t kQuotedPackets = 1U << 20;

// A path that swallows large packets in silence (black_hole.h). A large segment sent for the third time without an
// answer is rare where packets only get lost now and then; where the path was such a hole before, the second time says
// enough. A watched segment makes room for another flow when it was neither repeated nor answered for longer than TCP's
// first retransmissions are apart. After an answer none is watched for a pause, which keeps the watching off the busy
// paths where all is well.
inline constexpr unsigned kBlackHoleRepeats = 3;
inline constexpr unsigned kBlackHoleRepeatsAgain = 2;
inline constexpr Duration kBlackHoleWatch = std::chrono::seconds(10);
inline constexpr Duration kBlackHolePause = std::chrono::milliseconds(100);

// Inside an opened tunnel packet there may be another ESP packet for this host (transport inside tunnel); deeper
// nesting is an attack on our time.
inline constexpr unsigned kMaxNesting = 4;

// Reassembly, per worker and direction. 64 datagrams of 64 KiB each is what a busy NFS client has in flight.
inline constexpr std::size_t kMaxReassemblies = 64;
inline constexpr std::size_t kMaxReassemblyBytes = std::size_t{4} * 1024 * 1024;
// Fragments of one datagram: 64 KiB in 512-octet pieces, with room to spare.
inline constexpr std::size_t kMaxFragmentsPerDatagram = 256;
// As the Linux stack; RFC 8200 allows 60 s, but nothing that slow is still of use.
inline constexpr Duration kReassemblyTimeout = std::chrono::seconds(30);

// Offload. Packets of one work: enough for the lanes of a multi-buffer cipher, few enough that a super-packet is shared
// by two cores; octets: so that few large ones are too. Works of a worker and direction that are under way: more than a
// batch of kBatchBytes makes, twice over; beyond them packets are dropped, as by any full queue.
inline constexpr std::size_t kOffloadPackets = 32;
inline constexpr std::size_t kOffloadOctets = std::size_t{64} * 1024;
inline constexpr std::size_t kOffloadWorks = 64;
// A provider that keeps a work for so long has died: the longest that a thread waits for its core on a busy host.
inline constexpr Duration kOffloadPatience = std::chrono::milliseconds(500);
// Of the look-aside provider, for all workers together: works that wait for a helper (what finds no room the worker
// does itself), and SAs that wait for an answer (the next packet asks again). Powers of two.
inline constexpr std::size_t kOffloadQueue = 1024;
inline constexpr std::size_t kOffloadRequests = 1024;

// Packets held while IKE negotiates. A TCP SYN with its retransmissions, a few DNS questions; not a flood.
inline constexpr std::size_t kMaxHeldPerPeer = 16;
inline constexpr std::size_t kMaxHeldPackets = 1024;
inline constexpr std::size_t kMaxHeldBytes = std::size_t{4} * 1024 * 1024;
// Pairs of filter and peer with an acquire pending or in back-off. Above it, new pairs are dropped.
inline constexpr std::size_t kMaxAcquires = 4096;
// A failed acquire is not repeated before this time, so that a dead peer costs one negotiation at a time.
inline constexpr Duration kAcquireBackOff = std::chrono::seconds(2);
// IKE gives up long before this (its retransmissions end after about a minute); then the acquire is taken as lost.
inline constexpr Duration kAcquireTimeout = std::chrono::seconds(120);

// Reserved SPIs that no SA came for are forgotten (proto: ReserveSpi).
inline constexpr Duration kLarvalLifetime = std::chrono::seconds(60);
inline constexpr std::size_t kMaxLarvalSpis = 65536;
inline constexpr std::size_t kMaxSas = 262144;
// Of these, both directions counted. Whoever forges addresses can have them made where a filter may fall back to clear;
// they must not take the place of SAs with keys. 8192 silent peers at a time are far more than a network has.
inline constexpr std::size_t kMaxSoftSas = 16384;
// SPIs 0..255 are reserved (RFC 4303 2.1).
inline constexpr std::uint32_t kFirstSpi = 256;

// Replay windows (RFC 4303 3.4.3, which asks for 32 at least): 64 by default; 65536 covers a reordering of 50 ms at 10
// Gbit/s. A window of 64 takes 32 octets, one of 65536 32 KiB, of a bundle twice that.
inline constexpr std::uint32_t kMinReplayWindow = 64;
inline constexpr std::uint32_t kDefaultReplayWindow = 64;
inline constexpr std::uint32_t kMaxReplayWindow = 65536;

// A quick mode SA pair unused for so long ends (seed row KEY-09).
inline constexpr Duration kSaIdleTime = std::chrono::seconds(300);
// A rekey is asked for when this many of the 2^32-1 sequence numbers are used: at a million packets a second the rest
// lasts half a minute over which IKE may retransmit.
inline constexpr std::uint64_t kSequenceSoftLimit = 0xF000'0000;
inline constexpr std::uint64_t kSequenceHardLimit = 0xFFFF'FFFF;
// Extended ones have 64 bits, which nobody uses up; the last quarter is never reached.
inline constexpr std::uint64_t kExtendedSequenceSoftLimit = 0x8000'0000'0000'0000;
inline constexpr std::uint64_t kExtendedSequenceHardLimit = 0xC000'0000'0000'0000;
// Soft limits in percent of the hard ones; the initiator is earlier so that both sides rarely rekey at once.
inline constexpr unsigned kSoftPercentInitiator = 80;
inline constexpr unsigned kSoftPercentResponder = 90;
// Taken off the soft percentage by a hash of the SPI, 0 up to this.
inline constexpr unsigned kSoftJitterPercent = 5;
// A rekey that did not come is asked for again after this time.
inline constexpr Duration kRekeyRepeat = std::chrono::seconds(30);

// Audit events: so many of one kind at once, then one each interval with the number left out.
inline constexpr unsigned kEventBurst = 10;
inline constexpr Duration kEventInterval = std::chrono::seconds(1);

// Filters of one policy: 100,000 written ones, mirrored, on a host with two addresses; about 600 octets each here.
inline constexpr std::size_t kMaxFilters = 400000;

// Flows a worker remembers with their filter and SA. 4096 entries of 72 octets: a third of a second-level cache.
inline constexpr std::size_t kFlowCacheEntries = 4096;

// One of so many packets in clear is looked up in the filters once more, past the flow cache: a fault of the cache is
// found within a handful of packets, at two nanoseconds for each.
inline constexpr std::uint32_t kLastLookInterval = 64;

// Flows that the stateful boot mode and NAT traversal remember, per worker: a busy server's connections. A flow idle
// for so long is over: longer than a connection's keep-alives are apart where a NAT is on the way.
inline constexpr std::size_t kMaxBootFlows = 16384;
inline constexpr Duration kBootFlowLifetime = std::chrono::seconds(120);
inline constexpr std::size_t kMaxNatFlows = 65536;
inline constexpr Duration kNatFlowLifetime = std::chrono::minutes(30);

// Peers behind a NAT that are listed with a filter of their own: as many as one address of this host serves in an
// office. Beyond that they are served all the same. One of which nothing has been heard on port 4500 for so long is
// gone: keep-alives are 20 s apart.
inline constexpr std::size_t kMaxNatFilters = 1024;
inline constexpr Duration kNatFilterLifetime = std::chrono::seconds(120);

// ICMP errors of one worker: enough for every flow of a busy gateway to learn a new MTU within seconds, and too few to
// make a host the amplifier of a flood.
inline constexpr int kIcmpErrorsPerSecond = 1000;
inline constexpr int kIcmpErrorBurst = 200;

// TCP flows being merged at once in one batch, and segments of one merged packet (a writev takes 1024 pieces, 64 KiB
// hold 45 segments of 1460 octets).
inline constexpr std::size_t kMaxOpenMerges = 16;
inline constexpr std::size_t kMaxMergedSegments = 128;

}  // namespace ipsec::driver::limits
