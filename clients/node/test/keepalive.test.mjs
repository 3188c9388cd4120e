// A connection that went dead without a word is noticed, and the call goes over a new one.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import net from 'node:net';
import { test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { BayarClient } from 'bayar-client';

const { CHANNEL_OPTIONS } = createRequire(import.meta.url)('../dist/connection.js');
const { decode, encode, serviceOf } = createRequire(import.meta.url)('../dist/messages.js');
const SOON = { 'grpc.keepalive_time_ms': 200, 'grpc.keepalive_timeout_ms': 200 };

// A service that leaves the first call without an answer, and tells of it.
async function startService(arrived) {
  const server = new grpc.Server();
  const { GetPayment } = serviceOf('PaymentService').methods;
  const definition = {
    path: '/bayar.payments.v1.PaymentService/GetPayment',
    requestStream: false,
    responseStream: false,
    requestDeserialize: (bytes) => decode(GetPayment.resolvedRequestType, bytes),
    responseSerialize: (plain) => encode(GetPayment.resolvedResponseType, plain),
  };
  let calls = 0;
  server.addService({ GetPayment: definition }, {
    GetPayment: (_, answer) => {
      calls += 1;
      if (calls === 1) arrived();
      else answer(null, { payment: { paymentId: 'pay_1' } });
    },
  });
  const port = await new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  return { port, stop: () => server.forceShutdown() };
}

// Passes bytes on, until `silence`: then the connections of that time stay open, and nothing comes through them.
async function startRelay(port) {
  const living = new Set();
  const sockets = [];
  const relay = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1');
    const line = {};
    living.add(line);
    sockets.push(near, far);
    for (const [from, to] of [[near, far], [far, near]]) {
      from.on('data', (data) => living.has(line) && to.write(data));
      from.on('close', () => to.destroy());
      from.on('error', () => undefined);
    }
  });
  relay.listen(0, '127.0.0.1');
  await new Promise((resolve) => relay.once('listening', resolve));
  const stop = () => {
    for (const socket of sockets) socket.destroy();
    relay.close();
  };
  return { port: relay.address().port, silence: () => living.clear(), stop };
}

test('a call over a dead connection is sent again over a new one', async () => {
  let relay;
  const service = await startService(() => relay.silence());
  relay = await startRelay(service.port);
  const bayar = new BayarClient(`127.0.0.1:${relay.port}`, { credential: 'key', timeoutSeconds: 20, channelOptions: SOON });
  try {
    assert.equal((await bayar.getPayment({ paymentId: 'pay_1' })).paymentId, 'pay_1');
  } finally {
    bayar.close();
    relay.stop();
    service.stop();
  }
});

test('the client asks after 20 s of silence and waits 10 s: the service permits a ping every 10 s', () => {
  assert.equal(CHANNEL_OPTIONS['grpc.keepalive_time_ms'], 20_000);
  assert.equal(CHANNEL_OPTIONS['grpc.keepalive_timeout_ms'], 10_000);
});
