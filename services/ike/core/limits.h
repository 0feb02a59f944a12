#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "services/common/time.h"

// Every bound and timer of the IKE core, with its reason.
namespace ipsec::ike {

inline constexpr std::uint16_t kIkePort = 500;
inline constexpr std::uint16_t kNatTraversalPort = 4500;

// Retransmission (RTY-01: five retries). 1, 2, 4, 8, 16 s between sendings and 32 s after the last: a peer that reboots
// answers within a minute, and a quarter of a minute of outage costs nothing.
inline constexpr int kRetransmissions = 5;
inline constexpr Duration kFirstRetransmission = std::chrono::seconds(1);
// For message 1 where packets may go on in clear should nobody answer (SFT-04): the same five retries within 3 s, after
// which the documented system falls back.
inline constexpr Duration kBriefRetransmission = std::chrono::milliseconds(500);
// A clear error notify may be forged, so it never ends a negotiation; but one more sending decides.
inline constexpr Duration kWaitAfterHint = std::chrono::seconds(4);

// A responder's half-open main mode lives longer than an initiator keeps trying (63 s).
inline constexpr Duration kHalfOpenLifetime = std::chrono::seconds(70);
// Half-open main modes as responder, in total. MS-IKEE 3.9 enters its denial of service protection at 500. With the
// bound on message 1 a flood costs at most 16 MB.
inline constexpr std::size_t kMaxHalfOpen = 1000;
// Message 1 is kept whole until message 5. The longest known one, with every suite of a generous peer, has about 3 KB.
inline constexpr std::size_t kMaxMessage1Size = 8192;
// And from one address: a rebooting peer with several rules needs a few; MS-IKEE 3.9 uses 35. Beyond either bound the
// oldest that still waits for message 3 makes room: at 1000 places and 10,000 forged first messages a second a peer has
// 100 ms to send message 3.
inline constexpr std::size_t kMaxHalfOpenPerAddress = 35;

// First messages refused a moment ago, remembered so that their repetitions cause no further events. Beyond that they
// do.
inline constexpr std::size_t kMaxRefusedRemembered = 256;

// Whatever happens, a main mode of ours is over after this: three messages given 63 s each, and the computations.
inline constexpr Duration kMainModeTime = std::chrono::seconds(240);
// And a quick mode: one message given 63 s, and the driver's answers. A driver that is gone never answers.
inline constexpr Duration kQuickModeTime = std::chrono::seconds(120);

// Protection suites read of one message 1. Where AH and ESP stand together every transform of one may go with every one
// of the other; a generous peer offers a few dozen suites.
inline constexpr std::size_t kMaxSuitesRead = 1024;

// A finished quick mode is kept to answer repeated messages; longer than a peer repeats.
inline constexpr Duration kFinishedQuickModeLifetime = std::chrono::seconds(70);
// Quick modes under way on one main mode SA, either role. A host with one peer and many filters starts this many at
// once; further ones of our own wait, further ones of the peer are dropped and come again.
inline constexpr std::size_t kMaxQuickModesPerMainMode = 64;
// Message ids remembered by one main mode SA against replays (4 octets each). A main mode SA that has used them up is
// closed and replaced.
inline constexpr std::size_t kMaxMessageIds = 65536;

// Quick modes of peers that wait for a dynamic filter of the default response rule, each with its message 1. The agent
// answers within a second; one that is being started again is back within five. Peers repeat for a minute.
inline constexpr std::size_t kMaxAwaitingFilter = 256;
inline constexpr Duration kFilterPatience = std::chrono::seconds(20);

// Requests of the driver waiting for a main mode, per peer and in total. The driver holds one packet queue for each.
inline constexpr std::size_t kMaxWaitingPerPeer = 256;
inline constexpr std::size_t kMaxWaiting = 65536;

// How long a request of the driver waits for a quick mode that the peer has begun for the same traffic. Two repetitions
// of its message 2 fit in; a peer that has fallen silent costs no more than that.
inline constexpr Duration kJoinedPatience = std::chrono::seconds(4);
// A request of the driver that left it before the peer's quick mode was done arrives within this time after.
inline constexpr Duration kJustMade = std::chrono::milliseconds(250);

// How long an initiator keeps back what it has to send for a message 4 that the peer has promised with the commit bit.
// Two repetitions of message 3 fit in, each of which gets message 4 again; the bit is not authenticated, and a peer
// that never meant it costs no more than that.
inline constexpr Duration kConnectedPatience = std::chrono::seconds(4);

// Deletes are never acknowledged, and a peer that misses one sends into nothing for an hour: they are sent six times,
// after 1, 2, 4, 8 and 16 s again.
inline constexpr int kDeleteRepetitions = 5;
// Where a translator may just have forgotten the peer, it is heard of again within 48 s, when it asks whether this host
// lives: one more, after 32 s.
inline constexpr int kDeleteRepetitionsBehindNat = 6;
inline constexpr std::size_t kMaxRepeatedDatagrams = 4096;

// An encrypted quick mode message of an SA that is not known gets INVALID-COOKIE, so that a peer that remembers what we
// forgot can begin anew; but seldom, since anybody can cause it.
inline constexpr int kInvalidCookieAnswersPerSecond = 10;

// Failures that anybody can cause in anybody's name (refused first messages, no message 3) that are reported; the rest
// is only counted. A flood must push neither the log over nor other events out of it.
inline constexpr int kUnprovenReportsPerSecond = 10;

// Dead peers (RFC 3706): a peer that has said nothing for half a minute is asked, six times three seconds apart; then a
// new main mode is tried. So a peer that is gone is noticed within two minutes, and a network that loses every fifth
// packet does not look like death.
inline constexpr Duration kPeerSilence = std::chrono::seconds(30);
inline constexpr Duration kPeerProbePause = std::chrono::seconds(3);
inline constexpr int kPeerProbes = 6;

// RFC 3948 section 4: a translator forgets an idle mapping after 20 s at the earliest; that is what Windows uses, too.
inline constexpr Duration kKeepAliveInterval = std::chrono::seconds(20);

// Fragments of a message (MS-IKEE 3.3): the data in each, by which every path carries it whole; for how long pieces
// wait for the rest; how many and how much of them one main mode SA keeps: a chain of certificates has 8 KB.
inline constexpr std::size_t kFragmentDataIpv4 = 576;
inline constexpr std::size_t kFragmentDataIpv6 = 1280;
inline constexpr Duration kFragmentLifetime = std::chrono::seconds(70);
inline constexpr std::uint8_t kMaxFragments = 64;
inline constexpr std::size_t kMaxReassembledSize = 16384;

// An ended main mode SA still reads deletes of the peer for as long as they may be repeated.
inline constexpr Duration kEndedMainModeLifetime = std::chrono::seconds(70);

// Failed negotiations remembered for `show negotiations`: what an administrator looks through. A failure takes at most
// some 20 KB, because the offers in it are bounded, too: of each side as many as a policy has in practice. More are
// compared than listed: an SA payload of a generous peer has every suite.
inline constexpr std::size_t kMaxFailedNegotiations = 64;
inline constexpr std::size_t kMaxTermsListed = 16;
inline constexpr std::size_t kMaxOffersCompared = 64;

// Sizes of our own values. Nonces: RFC 2409 allows 8..256; 32 is the largest key we derive.
inline constexpr std::size_t kNonceSize = 32;

// A main mode SA that quick mode SAs depend on is replaced before it ends (KEY-11): the initiator at 85 % of its
// lifetime, the responder at 95 %, so that they rarely do it together.
inline constexpr unsigned kMainModeRekeyPercentInitiator = 85;
inline constexpr unsigned kMainModeRekeyPercentResponder = 95;
// A peer may ask for any lifetime and the smaller one counts; below this a main mode SA would end before it is of use.
inline constexpr std::uint32_t kMinMainModeLifetimeSeconds = 60;

}  // namespace ipsec::ike
