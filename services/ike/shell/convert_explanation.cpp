#include <chrono>
#include <string>

#include "services/common/rpc/convert.h"
#include "services/ike/core/windows_ids.h"
#include "services/ike/shell/convert.h"

// Failed negotiations, for listings.
namespace ipsec::ike {

using rpc::to_proto;

namespace {

proto::Side side_to_proto(Side side) {
  switch (side) {
    case Side::kThisHost:
      return proto::SIDE_THIS_HOST;
    case Side::kPeer:
      return proto::SIDE_PEER;
    case Side::kNobody:
      break;
  }
  return proto::SIDE_UNSPECIFIED;
}

void add_rows(const std::vector<OfferRow>& rows, google::protobuf::RepeatedPtrField<proto::OfferRow>& list) {
  for (const OfferRow& row : rows) {
    proto::OfferRow& message = *list.Add();
    message.set_offer(row.offer);
    message.set_closest(row.closest);
    for (const OfferCell& cell : row.cells) {
      proto::OfferCell& one = *message.add_cells();
      one.set_text(cell.text);
      one.set_differs(cell.differs);
    }
  }
}

void add_table(const OfferTable& table, proto::OfferTable& message) {
  for (const std::string& column : table.columns) message.add_columns(column);
  add_rows(table.offered, *message.mutable_offered());
  add_rows(table.configured, *message.mutable_configured());
  message.set_more_offered(table.more_offered);
  message.set_more_configured(table.more_configured);
}

void add_offer(const MainModeOffer& offer, proto::MainModeOffer& message) {
  message.set_cipher(to_proto(offer.cipher));
  message.set_integrity(to_proto(offer.hash));
  message.set_dh_group(to_proto(offer.group));
}

void add_offer(const QuickModeOffer& offer, proto::QuickModeOffer& message) {
  if (offer.ah) message.set_ah(to_proto(*offer.ah));
  if (offer.esp) {
    message.mutable_esp()->set_cipher(to_proto(offer.esp->cipher));
    message.mutable_esp()->set_integrity(to_proto(offer.esp->integrity));
  }
  message.set_lifetime_kilobytes(offer.lifetime_kilobytes);
  message.set_lifetime_seconds(offer.lifetime_seconds);
}

void add_remedy(const Remedy& remedy, proto::Remedy& message) {
  message.set_side(side_to_proto(remedy.side));
  for (const std::string& field : remedy.fields) message.add_fields(field);
  message.set_weak(remedy.weak);
  for (const MainModeOffer& offer : remedy.main_mode_offers) add_offer(offer, *message.add_main_mode_offers());
  for (const QuickModeOffer& offer : remedy.quick_mode_offers) add_offer(offer, *message.add_quick_mode_offers());
  if (remedy.pfs_group) message.set_pfs_group(to_proto(*remedy.pfs_group));
  if (remedy.encapsulation) {
    message.set_encapsulation(*remedy.encapsulation == Encapsulation::kTunnel ? proto::ENCAPSULATION_TUNNEL
                                                                              : proto::ENCAPSULATION_TRANSPORT);
  }
  if (remedy.filter) *message.mutable_filter() = to_proto(*remedy.filter);
  message.set_rule(remedy.rule);
  message.set_authentication(remedy.authentication);
  message.set_assign(remedy.assign);
}

void add_explanation(const Explanation& explanation, proto::Explanation& message) {
  message.set_refused_by(side_to_proto(explanation.refused_by));
  message.set_at(explanation.at);
  message.set_unproven(explanation.unproven);
  if (!explanation.offers.columns.empty()) add_table(explanation.offers, *message.mutable_offers());
  if (explanation.traffic) {
    *message.mutable_traffic()->mutable_asked() = to_proto(explanation.traffic->asked);
    *message.mutable_traffic()->mutable_configured() = to_proto(explanation.traffic->configured);
    if (explanation.traffic->overlap)
      *message.mutable_traffic()->mutable_overlap() = to_proto(*explanation.traffic->overlap);
  }
  message.set_notify(explanation.notify);
  for (const std::string& fact : explanation.facts) message.add_facts(fact);
  for (const std::string& check : explanation.checks) message.add_checks(check);
  for (const Remedy& remedy : explanation.remedies) add_remedy(remedy, *message.add_remedies());
}

}  // namespace

proto::FailedNegotiation to_proto(const FailedNegotiation& failed, Timestamp now) {
  proto::FailedNegotiation message;
  message.set_mode(failed.mode == NegotiationMode::kMain ? proto::FailedNegotiation::MODE_MAIN
                                                         : proto::FailedNegotiation::MODE_QUICK);
  message.set_initiator(failed.initiator);
  *message.mutable_local() = to_proto(failed.local);
  *message.mutable_peer() = to_proto(failed.peer);
  message.set_reason(std::string(name(failed.failure.reason)));
  message.set_text(failed.failure.text);
  message.set_rule_name(failed.rule_name);
  message.set_policy_name(failed.policy_name);
  message.set_filter(failed.filter);
  for (const std::string& one : failed.failure.terms.offered) message.add_offered(one);
  for (const std::string& one : failed.failure.terms.configured) message.add_configured(one);
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - failed.at);
  message.set_age_seconds(static_cast<std::uint32_t>(age.count()));
  message.set_times(failed.times);
  add_explanation(failed.explanation, *message.mutable_explanation());
  const WindowsIds ids = windows_ids(failed.mode, failed.failure.reason);
  message.set_windows_event(ids.event);
  message.set_windows_event_2003(ids.event_2003);
  message.set_windows_status(ids.status);
  return message;
}

}  // namespace ipsec::ike
