#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "services/ike/core/main_mode_states.h"
#include "tests/support/published_data.h"

// The worked exchanges of data/vectors/ikev1-worked-exchanges.json: whole negotiations with every value between.
namespace ipsec::ike::tests {

inline Integrity hash_named(const std::string& name) {
  const auto found = integrity_by_name(name);
  EXPECT_TRUE(found.has_value()) << name;
  return found.value_or(Integrity::kSha1);
}

inline Cipher cipher_of(const nlohmann::json& one) {
  const std::string name = one.at("cipher");
  if (name == "3DES-CBC") return Cipher::kTripleDes;
  if (name == "AES-CBC-128") return Cipher::kAes128Cbc;
  EXPECT_EQ(name, "AES-CBC-256");
  return Cipher::kAes256Cbc;
}

inline Cookie cookie_of(const nlohmann::json& one, const char* field) {
  return load_u64(ipsec::tests::hex_field(one, field).data());
}

inline std::uint32_t number_of(const nlohmann::json& one, const char* field) {
  return load_u32(ipsec::tests::hex_field(one, field).data());
}

// The message of this number; "QM1", "5" and so on.
inline const nlohmann::json& message_of(const nlohmann::json& one, const std::string& number) {
  for (const auto& message : one.at("messages")) {
    const auto& no = message.at("no");
    if ((no.is_string() ? no.get<std::string>() : std::to_string(no.get<int>())) == number) return message;
  }
  ADD_FAILURE() << "no message " << number;
  return one;
}

// The state that main mode has reached in this exchange.
inline Established established_of(const nlohmann::json& one) {
  using ipsec::tests::hex_field;
  Established state;
  state.keys.hash = hash_named(one.at("hash"));
  state.keys.family = {SecretBytes(hex_field(one, "SKEYID")), SecretBytes(hex_field(one, "SKEYID_d")),
                       SecretBytes(hex_field(one, "SKEYID_a")), SecretBytes(hex_field(one, "SKEYID_e"))};
  state.keys.protection = {cipher_of(one), SecretBytes(hex_field(one, "Ka"))};
  state.last_block = hex_field(one, "last_phase1_block");
  return state;
}

}  // namespace ipsec::ike::tests
