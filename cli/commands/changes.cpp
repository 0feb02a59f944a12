#include "cli/commands/changes.h"

namespace ipsec::cli {

proto::StoredAddress to_proto(const AddressValue& address) {
  proto::StoredAddress message;
  if (const auto* keyword = std::get_if<AddressKeyword>(&address)) {
    message.set_keyword(std::string(name(*keyword)));
  } else if (const auto* range = std::get_if<AddressRange>(&address)) {
    *message.mutable_range() = rpc::to_proto(*range);
  } else {
    message.mutable_dns_name()->set_name(std::get<HostName>(address).text);
  }
  return message;
}

proto::StoredMainModeOfferList to_proto(const std::vector<MainModeOffer>& offers) {
  proto::StoredMainModeOfferList list;
  for (const MainModeOffer& offer : offers) {
    proto::StoredMainModeOffer& message = *list.add_offers();
    message.set_cipher(std::string(info(offer.cipher).name));
    message.set_integrity(std::string(info(offer.integrity).name));
    message.set_dh_group(std::string(info(offer.group).name));
  }
  return list;
}

proto::StoredQuickModeOfferList to_proto(const std::vector<QuickModeOffer>& offers) {
  proto::StoredQuickModeOfferList list;
  for (const QuickModeOffer& offer : offers) {
    proto::StoredQuickModeOffer& message = *list.add_offers();
    if (offer.ah) message.set_ah(std::string(info(*offer.ah).name));
    if (offer.cipher) {
      message.set_esp_cipher(std::string(info(*offer.cipher).name));
      message.set_esp_integrity(std::string(info(offer.esp_integrity).name));
    }
    message.set_lifetime_kilobytes(offer.kilobytes);
    message.set_lifetime_seconds(offer.seconds);
  }
  return list;
}

proto::ObjectReference reference_of(const Command& command, std::string_view guid_tag) {
  proto::ObjectReference reference;
  if (const auto* guid = command.get<std::string>(guid_tag)) {
    reference.set_guid(*guid);
  } else {
    reference.set_name(command.text("name"));
  }
  return reference;
}

proto::StoredAuthenticationList authentication_of(const Command& command) {
  proto::StoredAuthenticationList list;
  for (const Argument& argument : command.arguments) {
    if (argument.parameter->tag == "kerberos" && std::get<bool>(argument.value)) {
      list.add_methods()->set_kerberos(true);
    } else if (const auto* key = std::get_if<SecretBytes>(&argument.value)) {
      list.add_methods()->mutable_preshared_key()->set_key(std::string(key->reveal_text()));
    } else if (const auto* ca = std::get_if<RootCa>(&argument.value)) {
      proto::CertificateMethod& certificate = *list.add_methods()->mutable_certificate();
      certificate.set_root_ca(ca->issuer);
      certificate.set_map_to_account(ca->map_to_account);
      certificate.set_exclude_ca_name(ca->exclude_ca_name);
    }
  }
  return list;
}

proto::StoredFilter filter_of(const Command& command) {
  proto::StoredFilter filter;
  filter.set_description(command.text("description"));
  *filter.mutable_source() = to_proto(address_of(command, "srcaddr", "srcmask"));
  *filter.mutable_destination() = to_proto(address_of(command, "dstaddr", "dstmask"));
  filter.set_protocol(command.number("protocol", 0));
  filter.set_source_port(command.number("srcport", 0));
  filter.set_destination_port(command.number("dstport", 0));
  filter.set_mirrored(command.yes("mirrored", true));
  return filter;
}

proto::Action action_of(const std::string& word) {
  if (word == "permit") return proto::ACTION_PERMIT;
  if (word == "block") return proto::ACTION_BLOCK;
  return word == "negotiate" ? proto::ACTION_NEGOTIATE : proto::ACTION_UNSPECIFIED;
}

}  // namespace ipsec::cli
