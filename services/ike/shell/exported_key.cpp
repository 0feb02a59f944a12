#include "services/ike/shell/exported_key.h"

#include <string>

#include "services/common/rpc/convert.h"

namespace ipsec::ike {

namespace {

std::string octets(const SecretBytes& key) { return std::string(key.reveal_text()); }

}  // namespace

proto::KeyRecord to_proto(const ExportedKey& key) {
  proto::KeyRecord record;
  if (const auto* main_mode = std::get_if<TellMainModeKey>(&key)) {
    record.mutable_main_mode()->set_initiator_cookie(main_mode->initiator_cookie);
    record.mutable_main_mode()->set_encryption_key(octets(main_mode->key));
    return record;
  }
  const auto& sa = std::get<SaParameters>(key);
  proto::EspKeys& esp = *record.mutable_esp();
  *esp.mutable_source() = rpc::to_proto(sa.source);
  *esp.mutable_destination() = rpc::to_proto(sa.destination);
  esp.set_spi(sa.spi);
  esp.set_cipher(rpc::to_proto(sa.cipher));
  esp.set_integrity(rpc::to_proto(sa.integrity));
  esp.set_encryption_key(octets(sa.encryption_key));
  esp.set_integrity_key(octets(sa.integrity_key));
  return record;
}

}  // namespace ipsec::ike
