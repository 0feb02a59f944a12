#pragma once

#include <memory>

namespace grpc {
class Service;
}

namespace ipsec::driver {

// The calls of proto/driver.proto that IKE makes, carried to `whole`, which must be of make_driver_service and outlive
// it; every other call fails with UNIMPLEMENTED. IKE speaks to strangers, and whoever should take it over is to change
// no policy, and to see no packet, of this host.
std::unique_ptr<grpc::Service> make_ike_service(grpc::Service& whole);

}  // namespace ipsec::driver
