#include <chrono>
#include <thread>

#include <unistd.h>

#include "peer.h"

namespace peer {
namespace {

using namespace grpc::testing;
using grpc::ServerContext;
using grpc::Status;
using grpc::StatusCode;

// Sends metadata back.
void begin(ServerContext* context) {
    for (const auto& [name, value] : context->client_metadata()) {
        const std::string text(value.data(), value.size());
        if (name == INITIAL) context->AddInitialMetadata(INITIAL, text);
        else if (name == TRAILING) context->AddTrailingMetadata(TRAILING, text);
    }
}

// The status that the call is to end with.
template <typename T> Status ended(const T& request) {
    const auto& status = request.response_status();
    if (!request.has_response_status() || !status.code()) return Status::OK;
    return Status(static_cast<StatusCode>(status.code()), status.message());
}

// Whether the request came as it says.
template <typename T> bool as_expected(const ServerContext& context, const T& request) {
    return !request.has_expect_compressed() ||
           request.expect_compressed().value() == InteropServerContextInspector::was_compressed(context);
}

const Status UNEXPECTED(StatusCode::INVALID_ARGUMENT, "the request is not compressed, or is, against what it says");

class Interop : public TestService::Service {
    Status EmptyCall(ServerContext* context, const Empty*, Empty*) override {
        begin(context);
        return Status::OK;
    }

    Status UnaryCall(ServerContext* context, const SimpleRequest* request, SimpleResponse* response) override {
        begin(context);
        if (!as_expected(*context, *request)) return UNEXPECTED;
        const bool compressed = request->response_compressed().value();
        context->set_compression_level(compressed ? GRPC_COMPRESS_LEVEL_HIGH : GRPC_COMPRESS_LEVEL_NONE);
        response->mutable_payload()->set_body(std::string(request->response_size(), '\0'));
        if (request->fill_server_id()) response->set_server_id("process " + std::to_string(getpid()));
        return ended(*request);
    }

    // The responses to one of the requests of a stream, each when it is its turn, and the status if it asks for one.
    template <typename Writer> static Status respond(const StreamingOutputCallRequest& request, Writer* writer) {
        for (const auto& wanted : request.response_parameters()) {
            std::this_thread::sleep_for(std::chrono::microseconds(wanted.interval_us()));
            StreamingOutputCallResponse response;
            response.mutable_payload()->set_body(std::string(wanted.size(), '\0'));
            grpc::WriteOptions options;
            if (!wanted.compressed().value()) options.set_no_compression();
            if (!writer->Write(response, options)) return Status::CANCELLED;
        }
        return ended(request);
    }

    Status StreamingOutputCall(
        ServerContext* context,
        const StreamingOutputCallRequest* request,
        grpc::ServerWriter<StreamingOutputCallResponse>* writer
    ) override {
        begin(context);
        // A message that shall not be is taken out.
        context->set_compression_level(GRPC_COMPRESS_LEVEL_HIGH);
        return respond(*request, writer);
    }

    Status StreamingInputCall(
        ServerContext* context,
        grpc::ServerReader<StreamingInputCallRequest>* reader,
        StreamingInputCallResponse* response
    ) override {
        begin(context);
        StreamingInputCallRequest request;
        int size = 0;
        while (reader->Read(&request)) {
            if (!as_expected(*context, request)) return UNEXPECTED;
            size += request.payload().body().size();
        }
        response->set_aggregated_payload_size(size);
        return Status::OK;
    }

    Status FullDuplexCall(
        ServerContext* context,
        grpc::ServerReaderWriter<StreamingOutputCallResponse, StreamingOutputCallRequest>* stream
    ) override {
        begin(context);
        StreamingOutputCallRequest request;
        while (stream->Read(&request)) {
            const Status status = respond(request, stream);
            if (!status.ok()) return status;
        }
        return Status::OK;
    }
};

} // namespace

void serve(const Flags& flags) {
    auto credentials = grpc::InsecureServerCredentials();
    if (flags.is_true("use_tls")) {
        grpc::SslServerCredentialsOptions options;
        options.pem_key_cert_pairs.push_back({flags.file("tls_key_file"), flags.file("tls_cert_file")});
        credentials = grpc::SslServerCredentials(options);
    }
    Interop service;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + flags.need("port"), credentials);
    builder.RegisterService(&service);
    const auto server = builder.BuildAndStart();
    if (!server) throw std::runtime_error("the server does not start");
    server->Wait();
}

} // namespace peer
