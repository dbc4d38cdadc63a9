#include <array>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "peer.h"

namespace peer {
namespace {

using namespace grpc::testing;
using grpc::Channel;
using grpc::ClientContext;
using grpc::Status;
using grpc::StatusCode;
using std::chrono::system_clock;

const std::string INITIAL_VALUE = "test_initial_metadata_value";
const std::string TRAILING_VALUE = "\xab\xab\xab";
constexpr int LARGE_REQUEST = 271828, LARGE_RESPONSE = 314159;
const std::vector<int> REQUESTS = {27182, 8, 1828, 45904}, RESPONSES = {31415, 9, 2653, 58979};
// What is streamed compressed, and what is not.
constexpr std::array COMPRESSED_REQUESTS = {27182, 45904}, COMPRESSED_RESPONSES = {31415, 92653};
const std::string MESSAGE = "test status message";
const std::string SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
// Calls of concurrent_large_unary, and of pick_first_unary.
constexpr int CONCURRENT = 1000, PICKS = 100;
// Seconds of the case of connection backoff.
constexpr int BACKOFF = 540;

void that(bool holds, const std::string& what) {
    if (!holds) throw std::runtime_error(what);
}

template <typename T> void equal(const std::string& what, const T& found, const T& expected) {
    std::ostringstream text;
    text << what << ": " << found << ", not " << expected;
    that(found == expected, text.str());
}

void ends_with(const Status& status, StatusCode code) {
    equal("the code of the status (" + status.error_message() + ")", int(status.error_code()), int(code));
}

void succeeds(const Status& status) { ends_with(status, StatusCode::OK); }

Payload payload(int size) {
    Payload payload;
    payload.set_body(std::string(size, '\0'));
    return payload;
}

SimpleRequest large() {
    SimpleRequest request;
    *request.mutable_payload() = payload(LARGE_REQUEST);
    request.set_response_size(LARGE_RESPONSE);
    return request;
}

StreamingInputCallRequest input(int size) {
    StreamingInputCallRequest request;
    *request.mutable_payload() = payload(size);
    return request;
}

// Asks for a response of each of these sizes.
StreamingOutputCallRequest output(const std::vector<int>& sizes, int size = 0) {
    StreamingOutputCallRequest request;
    for (const int wanted : sizes) request.add_response_parameters()->set_size(wanted);
    *request.mutable_payload() = payload(size);
    return request;
}

template <typename T> T unknown(const std::string& message) {
    T request;
    request.mutable_response_status()->set_code(StatusCode::UNKNOWN);
    request.mutable_response_status()->set_message(message);
    return request;
}

template <typename T> void has_size(const T& response, int size) {
    equal("a payload's size", int(response.payload().body().size()), size);
}

using Stub = TestService::Stub;

std::shared_ptr<Channel> connect(const Flags& flags, const std::string& port) {
    auto credentials = grpc::InsecureChannelCredentials();
    grpc::ChannelArguments arguments;
    // A channel does not share the connections of others.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    if (flags.is_true("use_tls")) {
        grpc::SslCredentialsOptions options;
        if (flags.is_true("use_test_ca")) options.pem_root_certs = flags.file("ca_file");
        credentials = grpc::SslCredentials(options);
        const std::string name = flags.get("server_host_override", "");
        if (!name.empty()) arguments.SetSslTargetNameOverride(name);
    }
    // A name would be two addresses, and each waits by itself where it does not connect.
    const std::string target = flags.get("server_host", "127.0.0.1") + ":" + port;
    return grpc::CreateCustomChannel(target, credentials, arguments);
}

void empty_unary(Stub& stub) {
    ClientContext context;
    Empty response;
    succeeds(stub.EmptyCall(&context, {}, &response));
}

void large_unary(Stub& stub) {
    ClientContext context;
    SimpleResponse response;
    succeeds(stub.UnaryCall(&context, large(), &response));
    has_size(response, LARGE_RESPONSE);
}

void concurrent_large_unary(Stub& stub) {
    struct Call {
        ClientContext context;
        SimpleResponse response;
        Status status;
    };
    const SimpleRequest request = large();
    std::vector<Call> calls(CONCURRENT);
    std::mutex mutex;
    std::condition_variable over;
    int left = CONCURRENT;
    for (Call& call : calls)
        stub.async()->UnaryCall(&call.context, &request, &call.response, [&](Status status) {
            const std::lock_guard lock(mutex);
            call.status = status;
            if (!--left) over.notify_one();
        });
    std::unique_lock lock(mutex);
    over.wait(lock, [&] { return !left; });
    for (const Call& call : calls) {
        succeeds(call.status);
        has_size(call.response, LARGE_RESPONSE);
    }
}

void pick_first_unary(Stub& stub) {
    SimpleRequest request;
    *request.mutable_payload() = payload(1);
    request.set_response_size(1);
    request.set_fill_server_id(true);
    std::set<std::string> ids;
    for (int pick = 0; pick < PICKS; ++pick) {
        ClientContext context;
        SimpleResponse response;
        succeeds(stub.UnaryCall(&context, request, &response));
        ids.insert(response.server_id());
    }
    that(ids.size() == 1 && !ids.count(""), std::to_string(ids.size()) + " ids of the server, or an empty one");
}

void client_compressed_unary(Stub& stub) {
    const auto call = [&](bool claims, bool compressed) {
        ClientContext context;
        context.set_compression_algorithm(compressed ? GRPC_COMPRESS_GZIP : GRPC_COMPRESS_NONE);
        SimpleRequest request = large();
        request.mutable_expect_compressed()->set_value(claims);
        SimpleResponse response;
        const Status status = stub.UnaryCall(&context, request, &response);
        if (status.ok()) has_size(response, LARGE_RESPONSE);
        return status;
    };
    ends_with(call(true, false), StatusCode::INVALID_ARGUMENT);
    succeeds(call(true, true));
    succeeds(call(false, false));
}

void server_compressed_unary(Stub& stub) {
    for (const bool compressed : {true, false}) {
        ClientContext context;
        SimpleRequest request = large();
        request.mutable_response_compressed()->set_value(compressed);
        SimpleResponse response;
        succeeds(stub.UnaryCall(&context, request, &response));
        equal("whether it came compressed", InteropClientContextInspector::was_compressed(context), compressed);
        has_size(response, LARGE_RESPONSE);
    }
}

void client_compressed_streaming(Stub& stub) {
    const auto send = [](auto& stream, int size, bool claims, bool compressed) {
        StreamingInputCallRequest request = input(size);
        request.mutable_expect_compressed()->set_value(claims);
        grpc::WriteOptions options;
        if (!compressed) options.set_no_compression();
        return stream->Write(request, options);
    };
    const auto [first, second] = COMPRESSED_REQUESTS;
    StreamingInputCallResponse response;
    {
        ClientContext context;
        const auto probe = stub.StreamingInputCall(&context, &response);
        send(probe, first, true, false);
        probe->WritesDone();
        ends_with(probe->Finish(), StatusCode::INVALID_ARGUMENT);
    }
    ClientContext context;
    context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    const auto stream = stub.StreamingInputCall(&context, &response);
    send(stream, first, true, true);
    send(stream, second, false, false);
    stream->WritesDone();
    succeeds(stream->Finish());
    equal("the sum of the payloads", response.aggregated_payload_size(), 73086);
}

void server_compressed_streaming(Stub& stub) {
    const auto [first, second] = COMPRESSED_RESPONSES;
    StreamingOutputCallRequest request = output({first, second});
    request.mutable_response_parameters(0)->mutable_compressed()->set_value(true);
    request.mutable_response_parameters(1)->mutable_compressed()->set_value(false);
    ClientContext context;
    const auto stream = stub.StreamingOutputCall(&context, request);
    StreamingOutputCallResponse response;
    for (const bool compressed : {true, false}) {
        that(stream->Read(&response), "the responses ended early");
        equal("whether it came compressed", InteropClientContextInspector::was_compressed(context), compressed);
        has_size(response, compressed ? first : second);
    }
    that(!stream->Read(&response), "there are too many responses");
    succeeds(stream->Finish());
}

void client_streaming(Stub& stub) {
    ClientContext context;
    StreamingInputCallResponse response;
    const auto stream = stub.StreamingInputCall(&context, &response);
    for (const int size : REQUESTS) that(stream->Write(input(size)), "the call ended early");
    stream->WritesDone();
    succeeds(stream->Finish());
    equal("the sum of the payloads", response.aggregated_payload_size(), 74922);
}

// Responses of these sizes, and then the end.
template <typename Reader> void reads(Reader& stream, const std::vector<int>& sizes) {
    StreamingOutputCallResponse response;
    for (const int size : sizes) {
        that(stream.Read(&response), "the responses ended early");
        has_size(response, size);
    }
    that(!stream.Read(&response), "there are too many responses");
}

void server_streaming(Stub& stub) {
    ClientContext context;
    const auto stream = stub.StreamingOutputCall(&context, output(RESPONSES));
    reads(*stream, RESPONSES);
    succeeds(stream->Finish());
}

void ping_pong(Stub& stub) {
    ClientContext context;
    const auto stream = stub.FullDuplexCall(&context);
    StreamingOutputCallResponse response;
    for (size_t turn = 0; turn < REQUESTS.size(); ++turn) {
        that(stream->Write(output({RESPONSES[turn]}, REQUESTS[turn])), "the call ended early");
        that(stream->Read(&response), "the responses ended early");
        has_size(response, RESPONSES[turn]);
    }
    stream->WritesDone();
    reads(*stream, {});
    succeeds(stream->Finish());
}

void empty_stream(Stub& stub) {
    ClientContext context;
    const auto stream = stub.FullDuplexCall(&context);
    stream->WritesDone();
    reads(*stream, {});
    succeeds(stream->Finish());
}

void custom_metadata(Stub& stub) {
    const auto with_metadata = [](ClientContext& context) {
        context.AddMetadata(INITIAL, INITIAL_VALUE);
        context.AddMetadata(TRAILING, TRAILING_VALUE);
    };
    const auto came_back = [](const ClientContext& context) {
        const auto has = [](const auto& metadata, const std::string& name, const std::string& value) {
            const auto found = metadata.find(name);
            that(found != metadata.end() && found->second == value, name + " did not come back");
        };
        has(context.GetServerInitialMetadata(), INITIAL, INITIAL_VALUE);
        has(context.GetServerTrailingMetadata(), TRAILING, TRAILING_VALUE);
    };
    {
        ClientContext context;
        with_metadata(context);
        SimpleResponse response;
        succeeds(stub.UnaryCall(&context, large(), &response));
        came_back(context);
    }
    ClientContext context;
    with_metadata(context);
    const auto stream = stub.FullDuplexCall(&context);
    that(stream->Write(output({LARGE_RESPONSE}, LARGE_REQUEST)), "the call ended early");
    stream->WritesDone();
    reads(*stream, {LARGE_RESPONSE});
    succeeds(stream->Finish());
    came_back(context);
}

void unary_ending(Stub& stub, const std::string& message) {
    ClientContext context;
    SimpleResponse response;
    const Status status = stub.UnaryCall(&context, unknown<SimpleRequest>(message), &response);
    ends_with(status, StatusCode::UNKNOWN);
    equal("the message of the status", status.error_message(), message);
}

void status_code_and_message(Stub& stub) {
    unary_ending(stub, MESSAGE);
    ClientContext context;
    const auto stream = stub.FullDuplexCall(&context);
    that(stream->Write(unknown<StreamingOutputCallRequest>(MESSAGE)), "the call ended early");
    stream->WritesDone();
    reads(*stream, {});
    const Status status = stream->Finish();
    ends_with(status, StatusCode::UNKNOWN);
    equal("the message of the status", status.error_message(), MESSAGE);
}

// `Stub` is the one of the test service, or one of a service that no server has.
template <typename Stub> void unimplemented(Stub& stub) {
    ClientContext context;
    Empty response;
    ends_with(stub.UnimplementedCall(&context, {}, &response), StatusCode::UNIMPLEMENTED);
}

void cancel_after_begin(Stub& stub) {
    ClientContext context;
    StreamingInputCallResponse response;
    const auto stream = stub.StreamingInputCall(&context, &response);
    context.TryCancel();
    ends_with(stream->Finish(), StatusCode::CANCELLED);
}

void cancel_after_first_response(Stub& stub) {
    ClientContext context;
    const auto stream = stub.FullDuplexCall(&context);
    that(stream->Write(output({RESPONSES[0]}, REQUESTS[0])), "the call ended early");
    StreamingOutputCallResponse response;
    that(stream->Read(&response), "the responses ended early");
    has_size(response, RESPONSES[0]);
    context.TryCancel();
    ends_with(stream->Finish(), StatusCode::CANCELLED);
}

void timeout_on_sleeping_server(Stub& stub) {
    ClientContext context;
    context.set_deadline(system_clock::now() + std::chrono::milliseconds(1));
    const auto stream = stub.FullDuplexCall(&context);
    stream->Write(output({}, REQUESTS[0]));
    ends_with(stream->Finish(), StatusCode::DEADLINE_EXCEEDED);
}

// Tries to connect for nine minutes, to a server that closes what comes; another tells whether the times were right.
void connection_backoff(const Flags& flags) {
    const auto watching = ReconnectService::NewStub(connect(flags, flags.need("server_control_port")));
    const auto trying = ReconnectService::NewStub(connect(flags, flags.need("server_retry_port")));
    Empty empty;
    {
        ClientContext context;
        succeeds(watching->Start(&context, {}, &empty));
    }
    {
        ClientContext context;
        context.set_wait_for_ready(true);
        context.set_deadline(system_clock::now() + std::chrono::seconds(BACKOFF));
        ends_with(trying->Start(&context, {}, &empty), StatusCode::DEADLINE_EXCEEDED);
    }
    ClientContext context;
    ReconnectInfo info;
    succeeds(watching->Stop(&context, {}, &info));
    that(info.passed(), "the times are not right: " + info.ShortDebugString());
}

const std::map<std::string, void (*)(Stub&)> CASES = {
    {"empty_unary", empty_unary},
    {"large_unary", large_unary},
    {"concurrent_large_unary", concurrent_large_unary},
    {"pick_first_unary", pick_first_unary},
    {"client_compressed_unary", client_compressed_unary},
    {"server_compressed_unary", server_compressed_unary},
    {"client_compressed_streaming", client_compressed_streaming},
    {"server_compressed_streaming", server_compressed_streaming},
    {"client_streaming", client_streaming},
    {"server_streaming", server_streaming},
    {"ping_pong", ping_pong},
    {"empty_stream", empty_stream},
    {"custom_metadata", custom_metadata},
    {"status_code_and_message", status_code_and_message},
    {"special_status_message", [](Stub& stub) { unary_ending(stub, SPECIAL); }},
    {"unimplemented_method", unimplemented<Stub>},
    {"cancel_after_begin", cancel_after_begin},
    {"cancel_after_first_response", cancel_after_first_response},
    {"timeout_on_sleeping_server", timeout_on_sleeping_server},
};

} // namespace

void call(const Flags& flags) {
    if (!flags.get("server_retry_port", "").empty()) return connection_backoff(flags);
    const std::string name = flags.need("test_case"), port = flags.need("server_port");
    const auto channel = connect(flags, port);
    Stub stub(channel);
    const int iterations = std::stoi(flags.get("soak_iterations", "10"));
    const auto found = CASES.find(name);
    if (found != CASES.end()) {
        found->second(stub);
    } else if (name == "unimplemented_service") {
        UnimplementedService::Stub another(channel);
        unimplemented(another);
    } else if (name == "rpc_soak" || name == "long_lived_channel") {
        for (int turn = 0; turn < iterations; ++turn) large_unary(stub);
    } else if (name == "channel_soak") {
        for (int turn = 0; turn < iterations; ++turn) {
            Stub another(connect(flags, port));
            large_unary(another);
        }
    } else {
        throw std::invalid_argument("there is no case " + name);
    }
}

} // namespace peer
