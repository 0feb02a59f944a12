#include "services/driver/crypto/iv_source.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "services/common/secret.h"

namespace ipsec::driver {

IvSource::IvSource(RandomSource& random) : stream_(EVP_CIPHER_CTX_new()) {
  SecretBytes key(16);
  random.fill(key.mutable_view());
  const std::array<std::uint8_t, 16> counter{};
  EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-128-CTR", nullptr);
  require(stream_ != nullptr && cipher != nullptr &&
          EVP_EncryptInit_ex2(stream_.get(), cipher, key.data(), counter.data(), nullptr) == 1);
  EVP_CIPHER_free(cipher);
}

void IvSource::fill(MutableByteView iv) {
  assert(iv.size() <= 16);
  if (ready_.size() - used_ < iv.size()) refill();
  const std::uint8_t* const from = ready_.data() + used_;
  used_ += iv.size();
  if (iv.size() == 16) {  // AES, nearly always: no call for a copy of known size
    std::memcpy(iv.data(), from, 16);
  } else {
    std::copy_n(from, iv.size(), iv.begin());
  }
}

void IvSource::refill() {
  ready_.fill(0);
  int written = 0;
  require(EVP_EncryptUpdate(stream_.get(), ready_.data(), &written, ready_.data(), static_cast<int>(ready_.size())) ==
          1);
  used_ = 0;
}

}  // namespace ipsec::driver
