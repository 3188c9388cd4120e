/** The signed result that a shopper brings back from the checkout page. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * The result of a checkout as the page signed it. A shopper can bring it back again and again: it says that the payment is
 * made, not that this is new.
 */
export interface CheckoutResult {
  checkoutId: string;
  reference: string;
  paymentId: string;
  time: Date;
}

/** The result is forged, changed, or of another checkout. Do not take the order for paid. */
export class CheckoutResultError extends Error {
  override readonly name = 'CheckoutResultError';
}

/**
 * Checks the signature in the query of your success_url, and reads it.
 *
 * query: of the address that the shopper came back to, or the whole address. Parameters of your own are left alone.
 * resultKey: of the checkout, as createCheckout gave it; keep it beside the order.
 * Throws CheckoutResultError, and TypeError for a key that is no text.
 */
export function verifyCheckoutResult(query: string | URLSearchParams, resultKey: string): CheckoutResult {
  if (typeof resultKey !== 'string') throw new TypeError('resultKey is text, as createCheckout gave it.');
  if (!resultKey) throw new CheckoutResultError('resultKey is empty: give that of the checkout.');
  const signed = [...parameters(query)].filter(([name]) => name.startsWith('bayar_'));
  const given = new Map(signed);
  if (given.size !== signed.length) throw new CheckoutResultError('The address names a parameter of the result twice.');
  const signature = Buffer.from(given.get('bayar_signature') ?? '');
  given.delete('bayar_signature');
  const text = [...given.keys()].sort().map((name) => `${name}=${given.get(name)}`).join('\n');
  const expected = Buffer.from(createHmac('sha256', resultKey).update(text).digest('hex'));
  if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
    throw new CheckoutResultError("The signature is not that of this checkout's key.");
  }
  if (given.get('bayar_result') !== 'paid') {
    throw new CheckoutResultError('The result is none that this version of the client knows.');
  }
  return {
    checkoutId: given.get('bayar_checkout_id') ?? '',
    reference: given.get('bayar_reference') ?? '',
    paymentId: given.get('bayar_payment_id') ?? '',
    time: new Date(Number(given.get('bayar_time') ?? 0) * 1000),
  };
}

function parameters(query: string | URLSearchParams): URLSearchParams {
  if (query instanceof URLSearchParams) return query;
  if (typeof query !== 'string') throw new TypeError('query is text, an address or URLSearchParams.');
  const isAddress = /^(https?:\/\/|\/)/.test(query);
  return isAddress ? new URL(query, 'https://shop.invalid').searchParams : new URLSearchParams(query);
}
