// What the client and the server of the suite's cases share.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>

#include <grpcpp/grpcpp.h>

#include "grpc/testing/test.grpc.pb.h"

// The library exports it for the suite, and has no header for it.
uint32_t grpc_call_test_only_get_message_flags(grpc_call* call);

// The library's contexts have friends of these names, for the suite: other programs are not told what they see.
namespace grpc::testing {

// The bit of a message that came compressed: `GRPC_WRITE_INTERNAL_TEST_ONLY_WAS_COMPRESSED`.
constexpr uint32_t WAS_COMPRESSED = 0x40000000;

class InteropClientContextInspector {
public:
    // Whether the last response came compressed.
    static bool was_compressed(const ClientContext& context) {
        return grpc_call_test_only_get_message_flags(context.call_) & WAS_COMPRESSED;
    }
};

class InteropServerContextInspector {
public:
    // Whether the last request came compressed.
    static bool was_compressed(const ServerContext& context) {
        return grpc_call_test_only_get_message_flags(context.call_.call) & WAS_COMPRESSED;
    }
};

} // namespace grpc::testing

namespace peer {

// Comes back as initial metadata.
inline const std::string INITIAL = "x-grpc-test-echo-initial";
// Comes back as trailing metadata.
inline const std::string TRAILING = "x-grpc-test-echo-trailing-bin";

// The values of --name=value.
class Flags {
public:
    // Flags that nobody asks for do no harm.
    Flags(int count, char** arguments) {
        for (int nth = 0; nth < count; ++nth) {
            const std::string argument = arguments[nth];
            const auto equals = argument.find('=');
            if (argument.rfind("--", 0) != 0 || equals == std::string::npos)
                throw std::invalid_argument("`" + argument + "` is not --name=value");
            values[argument.substr(2, equals - 2)] = argument.substr(equals + 1);
        }
    }

    std::string get(const std::string& name, const std::string& otherwise) const {
        const auto found = values.find(name);
        return found == values.end() ? otherwise : found->second;
    }

    std::string need(const std::string& name) const {
        const auto found = values.find(name);
        if (found == values.end()) throw std::invalid_argument("--" + name + " is needed");
        return found->second;
    }

    bool is_true(const std::string& name) const { return get(name, "") == "true"; }

    // What is in the file that --name names.
    std::string file(const std::string& name) const {
        const std::ifstream opened(need(name));
        if (!opened) throw std::invalid_argument("--" + name + "=" + need(name) + ": it cannot be read");
        std::ostringstream text;
        text << opened.rdbuf();
        return text.str();
    }

private:
    std::map<std::string, std::string> values;
};

// Runs one case; throws what is wrong.
void call(const Flags& flags);

// Serves until the process ends.
void serve(const Flags& flags);

} // namespace peer
