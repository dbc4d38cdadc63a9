"""grpcio's own clients for health and reflection ask our server. Usage: services.py ROLLING_SERVER"""

import signal
import sys

import grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from check import PATIENCE, check, equal, fails_with, that
from program import Server

GREETER = "helloworld.Greeter"
SERVING = HealthCheckResponse.SERVING
NOT_SERVING = HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = HealthCheckResponse.SERVICE_UNKNOWN


def reflection(channel: grpc.Channel) -> None:
    """A client without stubs finds out what to call, and calls it."""
    database = ProtoReflectionDescriptorDatabase(channel)
    with check("grpc_reflection lists the services"):
        services = set(database.get_services())
        that({GREETER, "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"} <= services, str(services))
    with check("a call is made by what grpc_reflection tells, without stubs"):
        pool = descriptor_pool.DescriptorPool(database)
        method = pool.FindServiceByName(GREETER).FindMethodByName("SayHello")
        request = message_factory.GetMessageClass(method.input_type)
        reply = message_factory.GetMessageClass(method.output_type)
        call = channel.unary_unary(
            f"/{GREETER}/{method.name}",
            request_serializer=request.SerializeToString,
            response_deserializer=reply.FromString,
        )
        equal(call(request(name="you"), timeout=PATIENCE).message, "Hello, you!")
    with check("grpc_reflection is told what is not known"):
        pool = descriptor_pool.DescriptorPool(database)
        try:
            found = pool.FindServiceByName("no.such.Service")
        except KeyError:
            return
        that(False, f"found {found}")


def health(channel: grpc.Channel, server: Server) -> None:
    """Asked and watched, to the end of the server."""
    stub = HealthStub(channel)
    with check("grpc_health checks the server and a service"):
        for name in "", GREETER:
            equal(stub.Check(HealthCheckRequest(service=name), timeout=PATIENCE).status, SERVING)
    with check("grpc_health checks a service that there is not"):
        request = HealthCheckRequest(service="no.such.Service")
        fails_with(grpc.StatusCode.NOT_FOUND, lambda: stub.Check(request, timeout=PATIENCE))
    with check("grpc_health watches a server that is asked to stop: it says so, and ends"):
        watch = stub.Watch(HealthCheckRequest(service=GREETER), timeout=PATIENCE)
        unknown = stub.Watch(HealthCheckRequest(service="no.such.Service"), timeout=PATIENCE)
        equal((next(watch).status, next(unknown).status), (SERVING, SERVICE_UNKNOWN))
        server.send(signal.SIGTERM)
        equal(next(watch).status, NOT_SERVING)
        for stream in watch, unknown:
            fails_with(grpc.StatusCode.UNAVAILABLE, lambda stream=stream: next(stream))
        equal(server.wait().exit_code, 0)


def main(program: str) -> None:
    """Runs it all."""
    with Server(program, "127.0.0.1:0") as server:
        with grpc.insecure_channel(server.address) as channel:
            reflection(channel)
            health(channel, server)


if __name__ == "__main__":
    main(*sys.argv[1:])
