// A greeter on the completion queue of grpc++: one thread, as the other contenders have.

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "helloworld.grpc.pb.h"

namespace {

using helloworld::Greeter;
using helloworld::HelloReply;
using helloworld::HelloRequest;

// Calls that can come before the thread takes the first of them.
constexpr int AWAITED = 100;

// One call after the other.
class Call {
public:
    Call(Greeter::AsyncService& service, grpc::ServerCompletionQueue& queue) : service(service), queue(queue) {
        await();
    }

    // The queue has something for it; `ok` is false when the call, or the server, is gone.
    void proceed(bool ok) {
        if (ok && !answered) {
            HelloReply reply;
            reply.set_message("Hello, " + request.name() + "!");
            answered = true;
            writer->Finish(reply, grpc::Status::OK, this);
        } else if (answered) {
            await();
        }
    }

private:
    void await() {
        answered = false;
        // These serve one call only.
        writer.reset();
        context = std::make_unique<grpc::ServerContext>();
        writer = std::make_unique<grpc::ServerAsyncResponseWriter<HelloReply>>(context.get());
        service.RequestSayHello(context.get(), &request, writer.get(), &queue, &queue, this);
    }

    Greeter::AsyncService& service;
    grpc::ServerCompletionQueue& queue;
    std::unique_ptr<grpc::ServerContext> context;
    std::unique_ptr<grpc::ServerAsyncResponseWriter<HelloReply>> writer;
    HelloRequest request;
    bool answered = false;
};

} // namespace

int main() {
    Greeter::AsyncService service;
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service);
    const auto queue = builder.AddCompletionQueue();
    const auto server = builder.BuildAndStart();
    if (!server) return 1;
    std::vector<std::unique_ptr<Call>> calls;
    for (int nth = 0; nth < AWAITED; ++nth) calls.push_back(std::make_unique<Call>(service, *queue));
    std::cout << "listening on 127.0.0.1:" << port << std::endl;
    void* call;
    bool ok;
    while (queue->Next(&call, &ok)) static_cast<Call*>(call)->proceed(ok);
}
