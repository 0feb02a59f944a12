#pragma once

#include <memory>

#include "services/driver/shell/driver.h"

namespace grpc {
class Service;
}

namespace ipsec::driver {

// proto/driver.proto on top of `driver`, which must outlive it.
std::unique_ptr<grpc::Service> make_driver_service(Driver& driver);

}  // namespace ipsec::driver
