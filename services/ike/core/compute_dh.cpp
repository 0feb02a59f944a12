#include "services/ike/core/actions.h"

namespace ipsec::ike {

DhComputed compute_dh(const ComputeDh& request, RandomSource& random) {
  DhComputed done;
  done.request_id = request.request_id;
  done.own = request.own;
  if (!done.own) done.own = make_dh_key_pair(request.group, random);
  if (!request.peer_public.empty()) done.secret = done.own->shared_secret(request.peer_public);
  return done;
}

}  // namespace ipsec::ike
