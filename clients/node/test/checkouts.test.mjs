import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CheckoutResultError, verifyCheckoutResult } from 'bayar-client';

const KEY = `rk_${'0'.repeat(64)}`;
// As the service signed it: the same in the tests of each client.
const QUERY =
  'bayar_checkout_id=chk_1&bayar_reference=order+1001%2F%C3%BC&bayar_payment_id=pay_1&bayar_result=paid&bayar_time=1767225600&bayar_signature=4d55f4ec54c9381015918aed91fcac5a677eca5cc659fa23beb268d6296266b4';

const refused = (query, key = KEY) => assert.throws(() => verifyCheckoutResult(query, key), CheckoutResultError);

test('a signed result is read from a query, an address and parsed parameters', () => {
  const expected = { checkoutId: 'chk_1', reference: 'order 1001/ü', paymentId: 'pay_1', time: new Date('2026-01-01T00:00:00Z') };
  const own = `page=2&${QUERY}`;
  for (const query of [QUERY, `?${own}`, `https://shop.example/paid?${own}`, `/paid?${own}`, new URLSearchParams(own)]) {
    assert.deepEqual(verifyCheckoutResult(query, KEY), expected);
  }
});

test('a forged or changed result, and one of another checkout, is refused', () => {
  refused('');
  refused(QUERY.replace('pay_1', 'pay_2'));
  refused(QUERY.replace('chk_1', 'chk_2'));
  refused(QUERY.replace('=paid', '=open'));
  refused(`${QUERY}&bayar_payment_id=pay_2`);
  refused(`${QUERY}&bayar_more=1`);
  refused(QUERY.replace(/bayar_signature=.*/, 'bayar_signature='));
  refused(QUERY, `rk_${'1'.repeat(64)}`);
  refused(QUERY, '');
  for (const [query, key] of [[undefined, KEY], [17, KEY], [QUERY, undefined], [QUERY, 17]]) {
    assert.throws(() => verifyCheckoutResult(query, key), TypeError);
  }
});
