#pragma once

#include <string>
#include <string_view>

#include "proto/policyagent.pb.h"
#include "services/common/rpc/convert.h"

// Stored values in the words of netsh, for `dump`. Pure.
namespace ipsec::cli {

// One line of a script. What the language cannot say (a double quote in a name, a second preshared key) turns the line
// into a comment that says so.
class DumpLine {
 public:
  explicit DumpLine(std::string_view command) : text_(command) {}

  void add(std::string_view tag, std::string_view value);
  void add_yes_no(std::string_view tag, bool value) { add(tag, value ? "yes" : "no"); }
  void add_number(std::string_view tag, std::uint32_t value) { add(tag, std::to_string(value)); }
  // Left out if it is empty.
  void add_text(std::string_view tag, std::string_view value);
  void add_address(std::string_view address_tag, std::string_view mask_tag, const proto::StoredAddress& address);
  // srcaddr, dstaddr, protocol, ports, mirrored.
  void add_filter(const proto::StoredFilter& filter);
  void add_offers(const google::protobuf::RepeatedPtrField<proto::StoredMainModeOffer>& offers);
  void add_offers(const google::protobuf::RepeatedPtrField<proto::StoredQuickModeOffer>& offers);
  // `key` is the preshared key; empty: it is not to be shown, and the line cannot run until somebody writes it.
  void add_authentication(const proto::StoredAuthentication& method, std::string_view key);

  // With the line feed, and remarks as comment lines above.
  std::string to_string() const;

 private:
  std::string text_;
  std::string unsayable_;
  bool key_is_missing_ = false;
  bool has_key_ = false;
};

std::string_view word_of(proto::Action action);

}  // namespace ipsec::cli
