#pragma once

#include <cstddef>
#include <cstdint>

// Every bound on certificates, with its reason. Those of fetching are in services/ike/shell/limits.h.
namespace ipsec::ike {

// Certificates of one peer, in all of its CERT payloads together: a leaf and a few intermediates. Public hierarchies
// have four levels.
inline constexpr std::size_t kMaxPeerCertificates = 16;
// A chain, root included. X.509 knows no limit; each certificate costs a verification of a signature.
inline constexpr int kMaxChainLength = 10;
// One certificate. The longest known, with hundreds of names in it, have about 30 KB.
inline constexpr std::size_t kMaxCertificateSize = 65536;
// A revocation list: the largest of public authorities have a few MB.
inline constexpr std::size_t kMaxCrlSize = std::size_t{8} * 1024 * 1024;

// RSA keys. The documented system takes what is longer than 512 bits; today's profile what SP 800-57 still allows.
inline constexpr int kMinRsaBits = 2048;
inline constexpr int kMinRsaBits2003 = 513;

// Certificates whose verdicts a failure lists: a host has one or two.
inline constexpr std::size_t kMaxCandidatesListed = 8;
// Names of an allow list: as many as a policy has filters at most.
inline constexpr std::size_t kMaxAccounts = 100000;

}  // namespace ipsec::ike
