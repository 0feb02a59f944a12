#include "services/ike/wire/payload_rules.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace ipsec::ike {

namespace {

struct MessageRow {
  MessageKind kind;
  std::string_view name;
  bool encrypted;
};

constexpr std::array kMessages = {
    MessageRow{MessageKind::kMainMode1, "main mode message 1", false},
    MessageRow{MessageKind::kMainMode2, "main mode message 2", false},
    MessageRow{MessageKind::kMainMode3, "main mode message 3", false},
    MessageRow{MessageKind::kMainMode4, "main mode message 4", false},
    MessageRow{MessageKind::kMainMode5, "main mode message 5", true},
    MessageRow{MessageKind::kMainMode6, "main mode message 6", true},
    MessageRow{MessageKind::kQuickMode1, "quick mode message 1", true},
    MessageRow{MessageKind::kQuickMode2, "quick mode message 2", true},
    MessageRow{MessageKind::kQuickMode3, "quick mode message 3", true},
    MessageRow{MessageKind::kQuickMode4, "quick mode message 4", true},
    MessageRow{MessageKind::kInformationalClear, "informational in clear", false},
    MessageRow{MessageKind::kInformational, "informational", true},
};

// `place` is where the payload must stand, counted from 1; 0: anywhere.
struct PayloadRow {
  MessageKind kind;
  PayloadType type;
  std::size_t min;
  std::size_t max;
  std::size_t place;
};

using enum MessageKind;
constexpr std::size_t kAnyNumber = 16;

constexpr std::array kRules = {
    //          message       payload                            min max place
    PayloadRow{kMainMode1, PayloadType::kSa, 1, 1, 1},
    PayloadRow{kMainMode1, PayloadType::kNotify, 0, 4, 0},

    PayloadRow{kMainMode2, PayloadType::kSa, 1, 1, 1},
    PayloadRow{kMainMode2, PayloadType::kNotify, 0, 4, 0},
    PayloadRow{kMainMode2, PayloadType::kCertificateRequest, 0, kAnyNumber, 0},

    PayloadRow{kMainMode3, PayloadType::kKeyExchange, 1, 1, 0},
    PayloadRow{kMainMode3, PayloadType::kNonce, 1, 1, 0},
    PayloadRow{kMainMode3, PayloadType::kNatDetection, 0, kAnyNumber, 0},
    PayloadRow{kMainMode3, PayloadType::kCertificateRequest, 0, kAnyNumber, 0},
    PayloadRow{kMainMode3, PayloadType::kNotify, 0, 4, 0},

    PayloadRow{kMainMode4, PayloadType::kKeyExchange, 1, 1, 0},
    PayloadRow{kMainMode4, PayloadType::kNonce, 1, 1, 0},
    PayloadRow{kMainMode4, PayloadType::kNatDetection, 0, kAnyNumber, 0},
    PayloadRow{kMainMode4, PayloadType::kCertificateRequest, 0, kAnyNumber, 0},
    PayloadRow{kMainMode4, PayloadType::kNotify, 0, 4, 0},

    PayloadRow{kMainMode5, PayloadType::kIdentification, 1, 1, 0},
    PayloadRow{kMainMode5, PayloadType::kHash, 0, 1, 0},
    PayloadRow{kMainMode5, PayloadType::kSignature, 0, 1, 0},
    PayloadRow{kMainMode5, PayloadType::kCertificate, 0, kAnyNumber, 0},
    PayloadRow{kMainMode5, PayloadType::kCertificateRequest, 0, kAnyNumber, 0},
    PayloadRow{kMainMode5, PayloadType::kNotify, 0, 4, 0},

    PayloadRow{kMainMode6, PayloadType::kIdentification, 1, 1, 0},
    PayloadRow{kMainMode6, PayloadType::kHash, 0, 1, 0},
    PayloadRow{kMainMode6, PayloadType::kSignature, 0, 1, 0},
    PayloadRow{kMainMode6, PayloadType::kCertificate, 0, kAnyNumber, 0},
    PayloadRow{kMainMode6, PayloadType::kNotify, 0, 4, 0},

    // RFC 2409 section 5.5: "the HASH payload MUST immediately follow the ISAKMP header and a SA payload MUST
    // immediately follow the HASH."
    PayloadRow{kQuickMode1, PayloadType::kHash, 1, 1, 1},
    PayloadRow{kQuickMode1, PayloadType::kSa, 1, 1, 2},
    PayloadRow{kQuickMode1, PayloadType::kNonce, 1, 1, 0},
    PayloadRow{kQuickMode1, PayloadType::kKeyExchange, 0, 1, 0},
    PayloadRow{kQuickMode1, PayloadType::kIdentification, 0, 2, 0},
    PayloadRow{kQuickMode1, PayloadType::kNatOriginalAddress, 0, 2, 0},
    PayloadRow{kQuickMode1, PayloadType::kNotify, 0, 4, 0},

    PayloadRow{kQuickMode2, PayloadType::kHash, 1, 1, 1},
    PayloadRow{kQuickMode2, PayloadType::kSa, 1, 1, 2},
    PayloadRow{kQuickMode2, PayloadType::kNonce, 1, 1, 0},
    PayloadRow{kQuickMode2, PayloadType::kKeyExchange, 0, 1, 0},
    PayloadRow{kQuickMode2, PayloadType::kIdentification, 0, 2, 0},
    PayloadRow{kQuickMode2, PayloadType::kNatOriginalAddress, 0, 2, 0},
    PayloadRow{kQuickMode2, PayloadType::kNotify, 0, 4, 0},

    PayloadRow{kQuickMode3, PayloadType::kHash, 1, 1, 1},
    PayloadRow{kQuickMode3, PayloadType::kNotify, 0, 4, 0},

    PayloadRow{kQuickMode4, PayloadType::kHash, 1, 1, 1},
    PayloadRow{kQuickMode4, PayloadType::kNotify, 0, 4, 0},

    PayloadRow{kInformationalClear, PayloadType::kNotify, 0, 8, 0},
    PayloadRow{kInformationalClear, PayloadType::kDelete, 0, 8, 0},

    PayloadRow{kInformational, PayloadType::kHash, 1, 1, 1},
    PayloadRow{kInformational, PayloadType::kNotify, 0, 8, 0},
    PayloadRow{kInformational, PayloadType::kDelete, 0, 8, 0},
    // A reliable delete carries a nonce (MS-IKEE 3.8).
    PayloadRow{kInformational, PayloadType::kNonce, 0, 1, 0},
};

const MessageRow& row_of(MessageKind kind) { return kMessages[static_cast<std::size_t>(kind)]; }

bool may_stand(MessageKind kind, PayloadType type) {
  if (type == PayloadType::kVendorId || is_private(type)) return true;
  return std::any_of(kRules.begin(), kRules.end(),
                     [=](const PayloadRow& row) { return row.kind == kind && row.type == type; });
}

Status check_row(const PayloadRow& row, const PayloadChain& chain) {
  std::size_t found = 0;
  for (std::size_t i = 0; i < chain.payloads.size(); ++i) {
    if (chain.payloads[i].type() != row.type) continue;
    ++found;
    if (row.place != 0 && i + 1 != row.place) {
      return invalid(
          fmt::format("{}: {} payload at place {}, must be {}", name(row.kind), name(row.type), i + 1, row.place));
    }
  }
  if (found < row.min || found > row.max) {
    return invalid(fmt::format("{}: {} {} payloads, allowed are {} to {}", name(row.kind), found, name(row.type),
                               row.min, row.max));
  }
  return {};
}

}  // namespace

std::string_view name(MessageKind kind) { return row_of(kind).name; }
bool is_encrypted(MessageKind kind) { return row_of(kind).encrypted; }

Status check_payloads(MessageKind kind, const PayloadChain& chain) {
  for (const Payload& payload : chain.payloads) {
    if (!may_stand(kind, payload.type())) {
      return invalid(fmt::format("{}: {} payload has no place in it", name(kind), name(payload.type())));
    }
  }
  for (const PayloadRow& row : kRules) {
    if (row.kind == kind) IPSEC_RETURN_IF_ERROR(check_row(row, chain));
  }
  return {};
}

}  // namespace ipsec::ike
