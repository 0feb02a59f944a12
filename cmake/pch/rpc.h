#pragma once

#include <grpcpp/grpcpp.h>

#include "cmake/pch/standard.h"
#include "proto/driver.grpc.pb.h"
#include "proto/ike.grpc.pb.h"
#include "proto/policyagent.grpc.pb.h"
