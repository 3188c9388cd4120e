// The context of the current trace goes with every attempt, and interceptors see each.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import { context, propagation, trace, TraceFlags } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { BayarClient } from 'bayar-client';

const { decode, encode, serviceOf } = createRequire(import.meta.url)('../dist/messages.js');
const SPAN = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: TraceFlags.SAMPLED };
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const received = [];
const server = new grpc.Server();
let address;

before(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const { GetPayment, WatchPayment } = serviceOf('PaymentService').methods;
  server.addService(
    { GetPayment: definition(GetPayment, false), WatchPayment: definition(WatchPayment, true) },
    { GetPayment: answerTheSecondTime, WatchPayment: answerOnce },
  );
  const port = await new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  address = `127.0.0.1:${port}`;
});
after(() => server.forceShutdown());

function definition(method, responseStream) {
  return {
    path: `/bayar.payments.v1.PaymentService/${method.name}`,
    requestStream: false,
    responseStream,
    requestDeserialize: (bytes) => decode(method.resolvedRequestType, bytes),
    responseSerialize: (plain) => encode(method.resolvedResponseType, plain),
  };
}

function answerTheSecondTime(call, answer) {
  received.push(call.metadata.get('traceparent')[0]);
  if (received.length === 1) answer({ code: grpc.status.UNAVAILABLE, details: 'Socket closed' });
  else answer(null, { payment: { paymentId: 'pay_1' } });
}

function answerOnce(call) {
  received.push(call.metadata.get('traceparent')[0]);
  call.write({ payment: { paymentId: 'pay_1' } });
  call.end();
}

async function read(options) {
  received.length = 0;
  const bayar = new BayarClient(address, { credential: 'key', retry: { firstDelaySeconds: 0.01 }, ...options });
  await bayar.getPayment({ paymentId: 'pay_1' });
  for await (const payment of bayar.watchPayment({ paymentId: 'pay_1' })) assert.equal(payment.paymentId, 'pay_1');
  bayar.close();
}

test('each attempt and each stream carry the current span', async () => {
  await context.with(trace.setSpanContext(context.active(), SPAN), read);
  assert.deepEqual(received, [TRACEPARENT, TRACEPARENT, TRACEPARENT]);
});

test('without a span nothing is sent', async () => {
  await read();
  assert.deepEqual(received, [undefined, undefined, undefined]);
});

test('an interceptor sees each attempt, and can add metadata', async () => {
  const seen = [];
  const stamp = (options, nextCall) =>
    new grpc.InterceptingCall(nextCall(options), {
      start(metadata, listener, next) {
        seen.push(options.method_definition.path.split('/').pop());
        metadata.set('traceparent', 'of-the-interceptor');
        next(metadata, listener);
      },
    });
  await read({ interceptors: [stamp] });
  assert.deepEqual(seen, ['GetPayment', 'GetPayment', 'WatchPayment']);
  assert.deepEqual(received, Array(3).fill('of-the-interceptor'));
});

test('the limits of one call replace those of the client', async () => {
  received.length = 0;
  const bayar = new BayarClient(address, { credential: 'key' });
  await assert.rejects(bayar.getPayment({ paymentId: 'pay_1' }, { retry: { attempts: 1 } }), { code: 'UNAVAILABLE' });
  assert.equal(received.length, 1);
  bayar.close();
});

test('a client says where it leads and no more', () => {
  const bayar = new BayarClient('127.0.0.1:50051', { credential: 'bayar_key_x' });
  assert.equal(inspect(bayar), "BayarClient('127.0.0.1:50051')");
  bayar.close();
});
