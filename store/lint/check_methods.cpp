#include <algorithm>

#include <fmt/format.h>

#include "store/defaults.h"
#include "store/lint/checks.h"
#include "store/lint/limits.h"
#include "store/names.h"

// Algorithms and lifetimes: seed rows MM-11, MM-14, KEY-35; RFC 8221 and 8247.
namespace ipsec::store::lint {

namespace {

bool is_weak(const MainModeOffer& offer) {
  return info(offer.cipher).weak || info(offer.integrity).weak || info(offer.group).weak;
}

bool is_weak(const QuickModeOffer& offer) {
  if (offer.ah && info(*offer.ah).weak) return true;
  return offer.esp && (info(offer.esp->cipher).weak || info(offer.esp->integrity).weak);
}

// Encrypts, and nothing proves that a packet is unchanged.
bool lacks_integrity(const QuickModeOffer& offer) {
  return offer.esp && !offer.ah && offer.esp->integrity == Integrity::kNone && !info(offer.esp->cipher).is_aead();
}

bool has_much_data(const QuickModeOffer& offer) {
  constexpr std::size_t kSmallBlock = 8;
  return offer.esp && info(offer.esp->cipher).block_size == kSmallBlock &&
         offer.lifetime_kilobytes > kMuchDataKilobytes;
}

template <typename Offer, typename Bad>
bool any_of(const std::vector<Offer>& offers, Bad bad) {
  return std::any_of(offers.begin(), offers.end(), bad);
}

// Those that are not `bad`, or where none is left the default ones.
template <typename Offer, typename Bad>
std::vector<Offer> without(std::vector<Offer> offers, Bad bad, std::vector<Offer> defaults) {
  offers.erase(std::remove_if(offers.begin(), offers.end(), bad), offers.end());
  return offers.empty() ? defaults : offers;
}

// "offers 2 and 3 of 4"
template <typename Offer, typename Bad>
std::string places(const std::vector<Offer>& offers, Bad bad) {
  std::string text;
  for (std::size_t i = 0; i < offers.size(); ++i) {
    if (bad(offers[i])) text += fmt::format("{}{}", text.empty() ? "" : ", ", i + 1);
  }
  return fmt::format("offer {} of {}", text, offers.size());
}

std::vector<NetshCommand> set_main_mode(const Policy& policy, const std::vector<MainModeOffer>& offers) {
  return {NetshCommand("set policy").text("name", policy.name).text("mmsecmethods", methods_text(offers))};
}

std::vector<NetshCommand> set_quick_mode(const FilterAction& action, const std::vector<QuickModeOffer>& offers) {
  return {NetshCommand("set filteraction").text("name", action.name).text("qmsecmethods", methods_text(offers))};
}

// The policy of the only rules that use the action; empty where several do.
std::string only_policy(const Context& context, const FilterAction& action) {
  std::string name;
  for (const RuleUse& use : context.uses_of(action.guid)) {
    if (!name.empty() && name != use.policy->name) return "";
    name = use.policy->name;
  }
  return name;
}

template <typename Bad>
void report_actions(const Context& context, Report& report, Bad bad, std::string_view why) {
  for (const FilterAction& action : context.tree().filter_actions) {
    if (action.action != Action::kNegotiate || !context.is_in_scope(action.guid) || !any_of(action.offers, bad))
      continue;
    const auto better = without(action.offers, bad, default_quick_mode_offers(Profile::kModern));
    report.add({only_policy(context, action), filter_action_label(action.name),
                fmt::format("{} {}", places(action.offers, bad), why), set_quick_mode(action, better)});
  }
}

}  // namespace

void check_main_mode_weak(const Context& context, Report report) {
  const auto bad = [](const MainModeOffer& offer) { return is_weak(offer); };
  for (const Policy* policy : context.policies()) {
    const auto& offers = policy->isakmp.offers;
    if (!any_of(offers, bad)) continue;
    report.add(
        {policy->name, policy_label(policy->name),
         fmt::format("{} of main mode is weak (DES, MD5, Diffie-Hellman group 1 or 2): who records the "
                     "negotiation may get at the keys, and a peer may choose it. Keep it only for peers that know "
                     "nothing better",
                     places(offers, bad)),
         set_main_mode(*policy, without(offers, bad, default_main_mode_offers(Profile::kModern)))});
  }
}

void check_main_mode_order(const Context& context, Report report) {
  const auto weak = [](const MainModeOffer& offer) { return is_weak(offer); };
  const auto strong = [](const MainModeOffer& offer) { return !is_weak(offer); };
  for (const Policy* policy : context.policies()) {
    auto offers = policy->isakmp.offers;
    if (std::is_partitioned(offers.begin(), offers.end(), strong)) continue;
    const auto first_weak = std::find_if(offers.begin(), offers.end(), weak) - offers.begin();
    std::stable_partition(offers.begin(), offers.end(), strong);
    report.add({policy->name, policy_label(policy->name),
                fmt::format("offer {} of main mode is weak and stands before stronger ones: peers take the first that "
                            "they know. Order them from strongest to weakest",
                            first_weak + 1),
                set_main_mode(*policy, offers)});
  }
}

void check_main_mode_unlimited(const Context& context, Report report) {
  for (const Policy* policy : context.policies()) {
    const IsakmpPolicy& isakmp = policy->isakmp;
    if (isakmp.master_pfs || isakmp.quick_mode_limit != 0 || isakmp.lifetime_minutes <= kLongMainModeMinutes) continue;
    report.add({policy->name,
                policy_label(policy->name),
                fmt::format("any number of quick modes may come from one master key of {} minutes; a limit (qmpermm), "
                            "mmpfs or at most {} minutes keep it fresh",
                            isakmp.lifetime_minutes, kLongMainModeMinutes),
                {NetshCommand("set policy")
                     .text("name", policy->name)
                     .word("mmlifetime", std::to_string(kLongMainModeMinutes))}});
  }
}

void check_quick_mode_weak(const Context& context, Report report) {
  report_actions(
      context, report, [](const QuickModeOffer& offer) { return is_weak(offer); },
      "is weak (DES or MD5). Keep it only for peers that know nothing better");
  for (const FilterAction& action : context.tree().filter_actions) {
    if (!context.is_in_scope(action.guid) || !action.quick_mode_pfs || !info(action.pfs_group).weak) continue;
    report.add({only_policy(context, action),
                filter_action_label(action.name),
                fmt::format("perfect forward secrecy in {} is weak; the 2048-bit group is the least that counts today",
                            info(action.pfs_group).name),
                {NetshCommand("set filteraction")
                     .text("name", action.name)
                     .word("pfsgroup", std::to_string(info(DhGroup::kModp2048).number))}});
  }
}

void check_quick_mode_no_integrity(const Context& context, Report report) {
  report_actions(
      context, report, [](const QuickModeOffer& offer) { return lacks_integrity(offer); },
      "encrypts without integrity: an attacker can change packets unseen. An integrity algorithm, AH or a GCM cipher "
      "prevents it");
}

void check_quick_mode_much_data(const Context& context, Report report) {
  const auto bad = [](const QuickModeOffer& offer) { return has_much_data(offer); };
  for (const FilterAction& action : context.tree().filter_actions) {
    if (action.action != Action::kNegotiate || !context.is_in_scope(action.guid) || !any_of(action.offers, bad))
      continue;
    auto offers = action.offers;
    for (QuickModeOffer& offer : offers) {
      if (bad(offer)) offer.lifetime_kilobytes = kMuchDataKilobytes;
    }
    report.add({only_policy(context, action), filter_action_label(action.name),
                fmt::format("{} lets one key of a cipher with 64-bit blocks protect more than {} kB: such ciphers leak "
                            "with the amount of data",
                            places(action.offers, bad), kMuchDataKilobytes),
                set_quick_mode(action, offers)});
  }
}

void check_default_response_weak(const Context& context, Report report) {
  const auto bad = [](const QuickModeOffer& offer) { return is_weak(offer) || lacks_integrity(offer); };
  for (const Policy* policy : context.policies()) {
    const DefaultResponseRule& rule = policy->default_response;
    if (!rule.active || !any_of(rule.offers, bad)) continue;
    const auto better = without(rule.offers, bad, default_response_offers(Profile::kModern));
    report.add(
        {policy->name,
         default_rule_label(policy->name),
         fmt::format("{} is weak, and it is accepted from every peer that no rule names; without need of it: "
                     "activate=no",
                     places(rule.offers, bad)),
         {NetshCommand("set defaultrule").text("policy", policy->name).text("qmsecmethods", methods_text(better))}});
  }
}

}  // namespace ipsec::store::lint
