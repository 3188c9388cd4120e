import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { readWebhook, WebhookError } from 'bayar-client';

const SECRET = 'a-secret-of-twenty-four-bytes';
const NOW = new Date('2026-01-01T00:00:00Z');
const BODY = JSON.stringify({
  id: 'evt_1',
  type: 'bayar.payments.v1.payment_changed',
  subject: 'pay_1',
  data: { position: '7', payment_change: { payment: { payment_id: 'pay_1', amount: { minor_units: '2500', currency_code: 'USD' } } } },
});

function signed({ key = SECRET, body = BODY, seconds = NOW.getTime() / 1000, id = 'evt_1' } = {}) {
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${signature}` };
}

const read = (headers, body = BODY, secret = SECRET) => readWebhook(headers, body, secret, { now: () => NOW });

test('a genuine webhook is read', () => {
  const { id, type, event } = read(signed());
  assert.deepEqual([id, type, event.position], ['evt_1', 'bayar.payments.v1.payment_changed', 7]);
  assert.equal(event.paymentChange.payment.amount.minorUnits, 2500);
  assert.equal(event.paymentChange.payment.state, 'PAYMENT_STATE_UNSPECIFIED');
});

test('headers of fetch, bytes, several signatures and secrets of both forms are understood', () => {
  const headers = new Headers(signed());
  headers.set('webhook-signature', `v1,other ${headers.get('webhook-signature')} v2,more`);
  assert.equal(read(headers, new TextEncoder().encode(BODY)).id, 'evt_1');
  const encoded = `whsec_${Buffer.from(SECRET).toString('base64')}`;
  for (const secret of [`another-secret-of-some-bytes ${encoded}`, [`another-secret-of-some-bytes ${encoded}`], ['another', SECRET]]) {
    assert.equal(read(signed(), BODY, secret).id, 'evt_1');
  }
});

for (const [name, headers, body, secret] of [
  ['another secret', signed({ key: 'wrong' })],
  ['another body', signed(), `${BODY} `],
  ['another id', { ...signed(), 'webhook-id': 'evt_2' }],
  ['no signature', { ...signed(), 'webhook-signature': undefined }],
  ['an empty signature', { ...signed(), 'webhook-signature': 'v1,' }],
  ['an old time', signed({ seconds: NOW.getTime() / 1000 - 301 })],
  ['a time to come', signed({ seconds: NOW.getTime() / 1000 + 301 })],
  ['a time that is none', { ...signed(), 'webhook-timestamp': 'NaN' }],
]) {
  test(`a webhook with ${name} is refused`, () => assert.throws(() => read(headers, body, secret), WebhookError));
}

test('a body that a parser has read is a fault of the program', () => {
  for (const body of [null, 17, JSON.parse(BODY)]) assert.throws(() => read(signed(), body), TypeError);
});

test('no secret is a fault of the program', () => {
  for (const secret of ['', ' ', [], [''], 'whsec_', [SECRET, 'whsec_'], 17, [17], null]) {
    assert.throws(() => read(signed({ key: '' }), BODY, secret), TypeError);
  }
});
