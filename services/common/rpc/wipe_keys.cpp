#include "services/common/rpc/wipe_keys.h"

#include <string>

#include "services/common/rpc/convert.h"
#include "services/common/secret.h"

namespace ipsec::rpc {
namespace {

void wipe(std::string& key) {
  wipe_memory(key.data(), key.size());
  key.clear();
}

void wipe(google::protobuf::RepeatedPtrField<proto::AuthenticationMethod>& methods) {
  for (proto::AuthenticationMethod& method : methods) {
    if (method.has_preshared_key()) wipe(*method.mutable_preshared_key());
  }
}

}  // namespace

void wipe_keys(proto::InstallSaRequest& message) {
  proto::Sa& sa = *message.mutable_sa();
  wipe(*sa.mutable_encryption_key());
  wipe(*sa.mutable_integrity_key());
  if (sa.has_ah()) wipe(*sa.mutable_ah()->mutable_key());
}

void wipe_keys(proto::KeyRecord& message) {
  if (message.has_main_mode()) wipe(*message.mutable_main_mode()->mutable_encryption_key());
  if (!message.has_esp()) return;
  wipe(*message.mutable_esp()->mutable_encryption_key());
  wipe(*message.mutable_esp()->mutable_integrity_key());
}

void wipe_keys(proto::IkePolicyUpdate& message) {
  if (message.has_settings()) wipe(*message.mutable_settings()->mutable_default_response()->mutable_authentication());
  for (proto::InsertedMainModeFilter& inserted : *message.mutable_main_mode_change()->mutable_inserted()) {
    wipe(*inserted.mutable_filter()->mutable_authentication());
  }
}

}  // namespace ipsec::rpc
