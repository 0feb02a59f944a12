#include "tests/simulation/dh_cache.h"

namespace ipsec::ike::tests {

std::shared_ptr<const DhKeyPair> DhCache::take(DhGroup group, RandomSource& random) {
  auto& pairs = stock_[group];
  while (pairs.size() < kPairsPerGroup) pairs.push_back(make_dh_key_pair(group, stock_random_));
  return pairs[random.u32() % kPairsPerGroup];
}

DhComputed DhCache::compute(const ComputeDh& request, RandomSource& random) {
  DhComputed done;
  done.request_id = request.request_id;
  done.own = request.own ? request.own : take(request.group, random);
  if (request.peer_public.empty()) return done;
  const auto key = std::pair(done.own.get(), request.peer_public);
  const auto found = secrets_.find(key);
  done.secret = found != secrets_.end()
                    ? found->second
                    : secrets_.emplace(key, done.own->shared_secret(request.peer_public)).first->second;
  return done;
}

}  // namespace ipsec::ike::tests
