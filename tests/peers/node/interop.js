// The cases of gRPC's interoperability suite over @grpc/grpc-js, client and server, with the flags of the suite.
//
// Usage: node interop.js server --port=PORT [--use_tls=true --tls_cert_file=FILE --tls_key_file=FILE]
//        node interop.js client --server_port=PORT --test_case=CASE [--server_host=HOST] [--soak_iterations=N]
//                               [--use_tls=true --use_test_ca=true --ca_file=FILE --server_host_override=NAME]
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");
const { parseArgs } = require("node:util");
const { setTimeout: sleep } = require("node:timers/promises");

// tests/peers/run installs packages beside the checkout's own files, and says where.
const modules = createRequire(path.join(process.env.UNWIRED_NODE_MODULES ?? __dirname, "package.json"));
const grpc = modules("@grpc/grpc-js");
const loader = modules("@grpc/proto-loader");

const INITIAL = "x-grpc-test-echo-initial";
const INITIAL_VALUE = "test_initial_metadata_value";
const TRAILING = "x-grpc-test-echo-trailing-bin";
const TRAILING_VALUE = Buffer.from([0xab, 0xab, 0xab]);
const LARGE_REQUEST = 271828;
const LARGE_RESPONSE = 314159;
const REQUESTS = [27182, 8, 1828, 45904];
const RESPONSES = [31415, 9, 2653, 58979];
const MESSAGE = "test status message";
const SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
const CONCURRENT = 1000;
const PICKS = 100;

const folder = path.join(__dirname, "..", "..", "..", "proto", "proto");
const definition = loader.loadSync("grpc/testing/test.proto", { includeDirs: [folder], keepCase: true, defaults: true });
const { TestService, UnimplementedService } = grpc.loadPackageDefinition(definition).grpc.testing;

const payload = (size) => ({ body: Buffer.alloc(size) });
const output = (sizes, size = 0) => ({ response_parameters: sizes.map((size) => ({ size })), payload: payload(size) });
const large = () => ({ response_size: LARGE_RESPONSE, payload: payload(LARGE_REQUEST) });
const sizeOf = (message) => message.payload?.body.length ?? 0;

// --- the server

function begin(call) {
  const initial = new grpc.Metadata();
  for (const value of call.metadata.get(INITIAL)) initial.add(INITIAL, value);
  call.sendMetadata(initial);
  const trailing = new grpc.Metadata();
  for (const value of call.metadata.get(TRAILING)) trailing.add(TRAILING, value);
  return trailing;
}

// What ends with its last request has still to answer.
const received = (call) => call.iterator({ destroyOnReturn: false });

const failure = ({ code, message }, metadata) => ({ code, details: message, metadata });

async function respond(call, request, trailing) {
  for (const { size, interval_us } of request.response_parameters) {
    if (interval_us > 0) await sleep(interval_us / 1000);
    call.write({ payload: payload(size) });
  }
  const status = request.response_status;
  if (status?.code) {
    call.emit("error", failure(status, trailing));
    return false;
  }
  return true;
}

const service = {
  EmptyCall(call, done) {
    done(null, {}, begin(call));
  },
  UnaryCall(call, done) {
    const trailing = begin(call);
    const { response_status: status, response_size: size, fill_server_id: named } = call.request;
    if (status?.code) return done(failure(status, trailing));
    done(null, { payload: payload(size), server_id: named ? `process ${process.pid}` : "" }, trailing);
  },
  async StreamingOutputCall(call) {
    const trailing = begin(call);
    if (await respond(call, call.request, trailing)) call.end(trailing);
  },
  async StreamingInputCall(call, done) {
    const trailing = begin(call);
    let aggregated_payload_size = 0;
    try {
      for await (const request of received(call)) aggregated_payload_size += sizeOf(request);
      done(null, { aggregated_payload_size }, trailing);
    } catch (error) {
      // The client has given the call up.
      done(error);
    }
  },
  async FullDuplexCall(call) {
    const trailing = begin(call);
    try {
      for await (const request of received(call)) if (!(await respond(call, request, trailing))) return;
    } catch {
      // The client has given the call up.
      return;
    }
    call.end(trailing);
  },
};

function serve(flags) {
  const server = new grpc.Server();
  server.addService(TestService.service, service);
  const pair = () => ({ private_key: fs.readFileSync(flags.tls_key_file), cert_chain: fs.readFileSync(flags.tls_cert_file) });
  const credentials =
    flags.use_tls === "true" ? grpc.ServerCredentials.createSsl(null, [pair()]) : grpc.ServerCredentials.createInsecure();
  server.bindAsync(`127.0.0.1:${flags.port}`, credentials, (error) => {
    if (error) throw error;
  });
}

// --- the client

/** A client on a channel of its own. */
function connect(flags, Client) {
  const options = { "grpc.use_local_subchannel_pool": 1 };
  let credentials = grpc.credentials.createInsecure();
  if (flags.use_tls === "true") {
    credentials = grpc.credentials.createSsl(flags.use_test_ca === "true" ? fs.readFileSync(flags.ca_file) : null);
    if (flags.server_host_override) options["grpc.ssl_target_name_override"] = flags.server_host_override;
  }
  return new Client(`${flags.server_host}:${flags.server_port}`, credentials, options);
}

/** A unary call: its response, and its metadata of both kinds. */
function unary(client, method, request, metadata = new grpc.Metadata()) {
  return new Promise((resolve, reject) => {
    const seen = {};
    const call = client[method](request, metadata, (error, response) => {
      seen.error = error;
      seen.response = response;
    });
    call.on("metadata", (initial) => (seen.initial = initial));
    call.on("status", (status) => {
      if (seen.error) reject(seen.error);
      else resolve({ ...seen, trailing: status.metadata });
    });
  });
}

/** The responses of a stream; the error it ends with is thrown. */
async function all(call) {
  const responses = [];
  for await (const response of call) responses.push(response);
  return responses;
}

const failsWith = (code, promise) =>
  promise.then(
    () => assert.fail(`expected code ${code}, and the call succeeded`),
    (error) => {
      assert.equal(error.code, code, error.message);
      return error;
    },
  );

const unknown = (message) => ({ response_status: { code: grpc.status.UNKNOWN, message } });

async function oneLarge(client) {
  assert.equal(sizeOf((await unary(client, "UnaryCall", large())).response), LARGE_RESPONSE);
}

const cases = {
  async empty_unary(client) {
    assert.deepEqual((await unary(client, "EmptyCall", {})).response, {});
  },
  large_unary: oneLarge,
  async concurrent_large_unary(client) {
    await Promise.all(Array.from({ length: CONCURRENT }, () => oneLarge(client)));
  },
  async pick_first_unary(client) {
    const ids = new Set();
    for (let call = 0; call < PICKS; call++) {
      const request = { response_size: 1, payload: payload(1), fill_server_id: true };
      ids.add((await unary(client, "UnaryCall", request)).response.server_id);
    }
    assert(ids.size === 1 && !ids.has(""), `ids of the server: ${[...ids]}`);
  },
  async client_streaming(client) {
    const sum = await new Promise((resolve, reject) => {
      const call = client.StreamingInputCall((error, response) => (error ? reject(error) : resolve(response)));
      for (const size of REQUESTS) call.write({ payload: payload(size) });
      call.end();
    });
    assert.equal(sum.aggregated_payload_size, 74922);
  },
  async server_streaming(client) {
    assert.deepEqual((await all(client.StreamingOutputCall(output(RESPONSES)))).map(sizeOf), RESPONSES);
  },
  async ping_pong(client) {
    const call = client.FullDuplexCall();
    const send = (turn) => call.write(output([RESPONSES[turn]], REQUESTS[turn]));
    const sizes = [];
    send(0);
    for await (const response of call) {
      sizes.push(sizeOf(response));
      if (sizes.length < RESPONSES.length) send(sizes.length);
      else call.end();
    }
    assert.deepEqual(sizes, RESPONSES);
  },
  async empty_stream(client) {
    const call = client.FullDuplexCall();
    call.end();
    assert.deepEqual(await all(call), []);
  },
  async custom_metadata(client) {
    const metadata = new grpc.Metadata();
    metadata.set(INITIAL, INITIAL_VALUE);
    metadata.set(TRAILING, TRAILING_VALUE);
    const cameBack = ({ initial, trailing }) => {
      assert.deepEqual(initial.get(INITIAL), [INITIAL_VALUE]);
      assert.deepEqual(trailing.get(TRAILING), [TRAILING_VALUE]);
    };
    cameBack(await unary(client, "UnaryCall", large(), metadata));
    const call = client.FullDuplexCall(metadata);
    const seen = {};
    call.on("metadata", (initial) => (seen.initial = initial));
    const over = new Promise((resolve) => call.on("status", resolve));
    call.write(output([LARGE_RESPONSE], LARGE_REQUEST));
    call.end();
    assert.deepEqual((await all(call)).map(sizeOf), [LARGE_RESPONSE]);
    cameBack({ ...seen, trailing: (await over).metadata });
  },
  async status_code_and_message(client) {
    const error = await failsWith(grpc.status.UNKNOWN, unary(client, "UnaryCall", unknown(MESSAGE)));
    assert.equal(error.details, MESSAGE);
    const call = client.FullDuplexCall();
    call.write(unknown(MESSAGE));
    call.end();
    assert.equal((await failsWith(grpc.status.UNKNOWN, all(call))).details, MESSAGE);
  },
  async special_status_message(client) {
    const error = await failsWith(grpc.status.UNKNOWN, unary(client, "UnaryCall", unknown(SPECIAL)));
    assert.equal(error.details, SPECIAL);
  },
  async unimplemented_method(client) {
    await failsWith(grpc.status.UNIMPLEMENTED, unary(client, "UnimplementedCall", {}));
  },
  async unimplemented_service(_, flags) {
    const client = connect(flags, UnimplementedService);
    await failsWith(grpc.status.UNIMPLEMENTED, unary(client, "UnimplementedCall", {}));
    client.close();
  },
  async cancel_after_begin(client) {
    const ended = new Promise((resolve, reject) => {
      const call = client.StreamingInputCall((error, response) => (error ? reject(error) : resolve(response)));
      call.cancel();
    });
    await failsWith(grpc.status.CANCELLED, ended);
  },
  async cancel_after_first_response(client) {
    const call = client.FullDuplexCall();
    const ended = new Promise((resolve, reject) => {
      call.on("data", (response) => {
        assert.equal(sizeOf(response), RESPONSES[0]);
        call.cancel();
      });
      call.on("end", resolve);
      call.on("error", reject);
    });
    call.write(output([RESPONSES[0]], REQUESTS[0]));
    await failsWith(grpc.status.CANCELLED, ended);
  },
  async timeout_on_sleeping_server(client) {
    const call = client.FullDuplexCall({ deadline: Date.now() + 1 });
    call.write(output([], REQUESTS[0]));
    await failsWith(grpc.status.DEADLINE_EXCEEDED, all(call));
  },
  async rpc_soak(client, flags) {
    for (let call = 0; call < Number(flags.soak_iterations); call++) await oneLarge(client);
  },
  async channel_soak(_, flags) {
    for (let call = 0; call < Number(flags.soak_iterations); call++) {
      const client = connect(flags, TestService);
      await oneLarge(client);
      client.close();
    }
  },
  async long_lived_channel(client, flags) {
    await cases.rpc_soak(client, flags);
  },
};

async function run(flags) {
  const assertion = cases[flags.test_case];
  assert(assertion, `there is no case ${flags.test_case}`);
  const client = connect(flags, TestService);
  await assertion(client, flags);
  client.close();
}

const names = [
  "port", "tls_cert_file", "tls_key_file", "server_host", "server_port", "server_host_override", "test_case", "use_tls",
  "use_test_ca", "ca_file", "soak_iterations",
];
const { values, positionals } = parseArgs({
  options: Object.fromEntries(names.map((name) => [name, { type: "string" }])),
  allowPositionals: true,
});
const flags = { server_host: "localhost", soak_iterations: "10", ...values };
if (positionals[0] === "server") serve(flags);
else
  run(flags).catch((error) => {
    console.error(`${flags.test_case}: ${error.message}`);
    process.exit(1);
  });
