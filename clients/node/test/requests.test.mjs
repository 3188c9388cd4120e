// Requests that the client refuses to send, and values that it keeps out of logs.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import net from 'node:net';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { BayarClient, BayarError, card, formatMoney, money, Reason } from 'bayar-client';

const { decode, encode, fromJson, typeOf } = createRequire(import.meta.url)('../dist/messages.js');
const { REMEDIES } = createRequire(import.meta.url)('../dist/generated/reasons.js');
const { isLoopback } = createRequire(import.meta.url)('../dist/connection.js');
const NOBODY = `127.0.0.1:${await freePort()}`;
const bayar = new BayarClient(NOBODY, { credential: 'key', retry: { attempts: 2, firstDelaySeconds: 0.01 } });
after(() => bayar.close());

const ORDER = { reference: 'order-1', amount: { minorUnits: 2500, currencyCode: 'USD' }, paymentMethodId: 'pm_1' };

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

for (const [name, wrong, kind, words] of [
  ['a name of the contract in its other spelling', { ...ORDER, capture_mode: 'CAPTURE_MODE_MANUAL' }, TypeError, /captureMode/],
  ['a field that does not exist', { ...ORDER, tip: 1 }, TypeError, /no field "tip"/],
  ['a field of every object', { ...ORDER, constructor: 1 }, TypeError, /no field "constructor"/],
  ['a nested field that does not exist', { ...ORDER, amount: { minorUnits: 1, currency: 'USD' } }, TypeError, /"currency"/],
  ['an amount with a fraction', { ...ORDER, amount: { minorUnits: 25.5, currencyCode: 'USD' } }, TypeError, /amount.minorUnits/],
  ['an amount as text', { ...ORDER, amount: { minorUnits: '2500', currencyCode: 'USD' } }, TypeError, /amount.minorUnits/],
  ['an amount that is not exact', { ...ORDER, amount: { minorUnits: 2 ** 53, currencyCode: 'USD' } }, RangeError, /amount.minorUnits/],
  ['NaN', { ...ORDER, amount: { minorUnits: NaN, currencyCode: 'USD' } }, TypeError, /amount.minorUnits/],
  ['a mode that does not exist', { ...ORDER, captureMode: 'MANUAL' }, TypeError, /CAPTURE_MODE_MANUAL/],
  ['a mode named like a method', { ...ORDER, captureMode: 'toString' }, TypeError, /CAPTURE_MODE_MANUAL/],
  ['two sources', { ...ORDER, paymentMethodNonce: 'nonce' }, TypeError, /one of card, paymentMethodNonce, paymentMethodId/],
  ['text for a switch', { ...ORDER, storePaymentMethod: 'false' }, TypeError, /storePaymentMethod is a boolean/],
  ['metadata that is no text', { ...ORDER, metadata: { basket: 7 } }, TypeError, /metadata.basket is a string/],
  ['an object for text', { ...ORDER, reference: {} }, TypeError, /reference is a string/],
]) {
  test(`a request with ${name} is not sent`, () =>
    assert.rejects(bayar.createPayment(wrong), (error) => error instanceof kind && words.test(error.message)));
}

test('a time that is none is refused', async () => {
  const filter = { createdFromTime: new Date('yesterday') };
  await assert.rejects(bayar.listPayments({ filter }).next(), /createdFromTime is a valid Date/);
});

test('a wrong card number is not repeated by the error', async () => {
  const wrong = { ...ORDER, paymentMethodId: undefined, card: { number: 4111111111111111, expirationMonth: 1, expirationYear: 2030 } };
  await assert.rejects(bayar.createPayment(wrong), (error) => /card.number/.test(error.message) && !/4111/.test(error.message));
});

test('a service that cannot be reached leaves nothing unknown', async () => {
  await assert.rejects(bayar.createPayment(ORDER), (error) => {
    assert.ok(error instanceof BayarError);
    assert.equal(error.code, 'UNAVAILABLE');
    assert.equal(error.outcomeUnknown, false);
    assert.equal(error.isRetryable, true);
    assert.match(error.message, /cannot be reached[^]*Nothing took effect[^]*requestId: [0-9a-f-]{36}$/);
    return true;
  });
});

test('the request of the caller stays as it was', async () => {
  const request = Object.freeze({ ...ORDER });
  await assert.rejects(bayar.createPayment(request), BayarError);
  assert.deepEqual(request, ORDER);
});

test('a closed client says so', async () => {
  const closed = new BayarClient(NOBODY, { credential: 'key' });
  closed.close();
  await assert.rejects(closed.getPayment({ paymentId: 'pay_1' }), /^Error: This client is closed\.$/);
  await assert.rejects(closed.watchPayment({ paymentId: 'pay_1' }).next(), /This client is closed/);
});

test('a request or card that is no object is not sent', async () => {
  for (const none of [undefined, null, 'pay_1']) {
    await assert.rejects(bayar.getPayment(none), TypeError);
    assert.throws(() => card(none), TypeError);
  }
});

test('a call that was ended before it began is not sent', async () => {
  await assert.rejects(bayar.createPayment(ORDER, { signal: AbortSignal.abort() }), { name: 'AbortError' });
});

test('a pause between attempts ends with the signal', async () => {
  const patient = new BayarClient(NOBODY, { credential: 'key', retry: { firstDelaySeconds: 60, longestDelaySeconds: 60 } });
  const begin = performance.now();
  await assert.rejects(patient.getPayment({ paymentId: 'pay_1' }, { signal: AbortSignal.timeout(100) }), BayarError);
  assert.ok(performance.now() - begin < 10_000);
  patient.close();
});

test('a card shows nothing of itself, and is sent', () => {
  const hidden = card({ number: '4111111111111111', expirationMonth: 12, expirationYear: 2030, cvv: '123' });
  for (const shown of [inspect(hidden), inspect({ hidden }), JSON.stringify({ hidden }), String(hidden), `${Object.entries(hidden)}`]) {
    assert.doesNotMatch(shown, /4111|123|2030/);
  }
  assert.equal(decode(typeOf('Card'), encode(typeOf('Card'), hidden)).number, '4111111111111111');
});

test('a newer service is understood as far as it goes', () => {
  const payment = fromJson(typeOf('Payment'), { state: 'PAYMENT_STATE_NEW', new_field: 1, amount: { minor_units: '9007199254740991' } });
  assert.equal(payment.state, 'PAYMENT_STATE_NEW');
  assert.equal(payment.amount.minorUnits, Number.MAX_SAFE_INTEGER);
  assert.throws(() => fromJson(typeOf('Money'), { minor_units: '9007199254740993' }), RangeError);
});

test('times and durations arrive exactly', () => {
  const type = typeOf('Payment');
  for (const moment of ['1969-12-31T23:59:59.999Z', '2026-01-01T00:00:00.001Z', '2026-01-01T00:00:00.000Z']) {
    assert.equal(decode(type, encode(type, { createTime: new Date(moment) })).createTime.toISOString(), moment);
  }
  const decline = typeOf('Decline');
  assert.equal(decode(decline, encode(decline, { retryAfter: 1.5 })).retryAfter, 1.5);
});

test('an answer can be printed as JSON', () => {
  const payment = decode(typeOf('Payment'), encode(typeOf('Payment'), { amount: money('25.00', 'USD') }));
  assert.deepEqual(JSON.parse(JSON.stringify(payment)).amount, { minorUnits: 2500, currencyCode: 'USD' });
  assert.equal(payment.state, 'PAYMENT_STATE_UNSPECIFIED');
  assert.deepEqual([payment.operations, payment.metadata, payment.decline], [[], {}, undefined]);
});

test('amounts are exact', () => {
  assert.deepEqual(money('25.00', 'USD'), { minorUnits: 2500, currencyCode: 'USD' });
  assert.deepEqual(money('1050', 'JPY'), { minorUnits: 1050, currencyCode: 'JPY' });
  assert.deepEqual(money('1.05', 'KWD'), { minorUnits: 1050, currencyCode: 'KWD' });
  assert.equal(money('1.10000', 'USD').minorUnits, 110);
  assert.throws(() => money(25, 'USD'), TypeError);
  for (const wrong of ['1.005', '-1', '1e3', '', ' 1', '1\n', '1,5', '.5', '5.', '٣', '90071992547409.93']) {
    assert.throws(() => money(wrong, 'USD'), RangeError, wrong);
  }
  for (const wrong of ['usd', 'USDX', '', 'US\n', 'USD\n', undefined]) assert.throws(() => money('1', wrong), RangeError);
  assert.equal(formatMoney({ minorUnits: 5, currencyCode: 'USD' }), 'USD 0.05');
  assert.equal(formatMoney({ minorUnits: -1050, currencyCode: 'KWD' }), 'KWD -1.050');
  assert.equal(formatMoney({ minorUnits: 1050, currencyCode: 'JPY' }), 'JPY 1050');
});

test('only an address of this machine is one', () => {
  const near = ['localhost:1', '127.0.0.1:1', '127.9.9.9:1', '[::1]:1', 'dns:///localhost:1', 'ipv4:127.0.0.1:1', 'unix:/tmp/x'];
  const far = ['example.com:1', 'localhost.example.com:1', '127.0.0.1.example.com:1', 'dns://8.8.8.8/localhost:1', '[2001:db8::1]:1', 'ipv4:127.0.0.1:1,10.0.0.1:1'];
  assert.deepEqual(near.filter((one) => !isLoopback(one)), []);
  assert.deepEqual(far.filter(isLoopback), []);
});

for (const [name, address, options, kind = TypeError] of [
  ['a scheme', 'https://example.com', {}],
  ['plain text with certificates', 'example.com:1', { insecure: true, rootCertificates: 'pem' }],
  ['a credential in plain text to another machine', 'example.com:1', { insecure: true, credential: 'key' }],
  ['a certificate without a key', 'example.com:1', { certificate: 'pem' }],
  ['no address', '', {}],
  ['a number for an address', 50051, {}],
  ['an address without a port', 'example.com', {}],
  ['a port that is none', 'example.com:https', {}],
  ['port 0', 'example.com:0', {}],
  ['a port that is too large', 'example.com:65536', {}],
  ['a path', 'example.com:443/pay', {}],
  ['a space in its address', ' example.com:443', {}],
  ['an address of IPv6 without brackets', '::1:50051', {}],
  ['an empty key', NOBODY, { credential: '' }],
  ['a key of two words', NOBODY, { credential: 'two words' }],
  ['a number for a key', NOBODY, { credential: 17 }],
  ['an empty certificate', NOBODY, { rootCertificates: '' }],
  ['a number for a certificate', NOBODY, { rootCertificates: 17 }],
  ['a number for a language', NOBODY, { language: 17 }],
  ['an option that does not exist', NOBODY, { apiKey: 'key' }],
  ['a policy that does not exist', NOBODY, { retry: { retries: 3 } }],
  ['text for a time', NOBODY, { timeoutSeconds: '10' }],
  ['text for attempts', NOBODY, { retry: { attempts: '3' } }],
  ['a number for a policy', NOBODY, { retry: 3 }],
  ['no time at all', NOBODY, { timeoutSeconds: 0 }, RangeError],
  ['less than no time', NOBODY, { timeoutSeconds: -1 }, RangeError],
  ['no attempt at all', NOBODY, { retry: { attempts: 0 } }, RangeError],
  ['half an attempt', NOBODY, { retry: { attempts: 1.5 } }, RangeError],
  ['a pause of less than nothing', NOBODY, { retry: { firstDelaySeconds: -1 } }, RangeError],
]) {
  test(`a client with ${name} is refused`, () =>
    assert.throws(() => new BayarClient(address, options), (error) => error.constructor === kind && !/two words/.test(error.message)));
}

for (const [name, options, kind] of [
  ['less than no time', { timeoutSeconds: -1 }, RangeError],
  ['no attempt', { retry: { attempts: 0 } }, RangeError],
  ['an option that does not exist', { timeout: 10 }, TypeError],
  ['options that are none', 10, TypeError],
  ['a number for a caller', { onBehalfOf: 17 }, TypeError],
]) {
  test(`a call with ${name} is not sent`, async () => {
    await assert.rejects(bayar.createPayment(ORDER, options), (error) => error.constructor === kind);
    await assert.rejects(bayar.listPayments({}, options).next(), (error) => error.constructor === kind);
    await assert.rejects(bayar.watchPayment({ paymentId: 'pay_1' }, options).next(), (error) => error.constructor === kind);
  });
}

test('every option of a call is known', async () => {
  const options = { timeoutSeconds: 5, retry: { attempts: 1 }, signal: AbortSignal.timeout(5000), onBehalfOf: 'shop', reason: 'Menurut pelanggan' };
  await assert.rejects(bayar.createPayment(ORDER, options), { name: 'BayarError', code: 'UNAVAILABLE' });
});

test('an option that is undefined is the default', () => {
  new BayarClient(NOBODY, { credential: 'key', timeoutSeconds: undefined, retry: { attempts: undefined } }).close();
});

test('each reason is its text, and has a remedy', () => {
  for (const [name, text] of Object.entries(Reason)) {
    assert.equal(name, text);
    assert.match(REMEDIES[text], /^[A-Z0-9].+\.$/);
  }
  assert.ok(Object.keys(Reason).length > 30);
});

test('a credential that is none is refused, and not named', async () => {
  const wrong = new BayarClient(NOBODY, { credential: () => 'two words' });
  await assert.rejects(wrong.getPayment({ paymentId: 'pay_1' }), (error) => error instanceof TypeError && !/two/.test(error.message));
  wrong.close();
});
