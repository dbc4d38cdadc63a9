// The cases of gRPC's interoperability suite over grpc++, client and server, with the flags of the suite.

#include <cstring>
#include <iostream>

#include "peer.h"

static const char* const USAGE =
    "Usage: interop_peer server --port=PORT [--use_tls=true --tls_cert_file=FILE --tls_key_file=FILE]\n"
    "       interop_peer client --server_port=PORT --test_case=CASE [--server_host=HOST] [--soak_iterations=N]\n"
    "                           [--use_tls=true --use_test_ca=true --ca_file=FILE --server_host_override=NAME]\n"
    "       interop_peer client --server_control_port=PORT --server_retry_port=PORT\n";

int main(int count, char** arguments) {
    try {
        const char* program = count > 1 ? arguments[1] : "";
        if (!std::strcmp(program, "server")) peer::serve(peer::Flags(count - 2, arguments + 2));
        else if (!std::strcmp(program, "client")) peer::call(peer::Flags(count - 2, arguments + 2));
        else throw std::invalid_argument(USAGE);
    } catch (const std::exception& error) {
        std::cerr << error.what() << std::endl;
        return 1;
    }
    return 0;
}
