/** What callers of Bayar, the payment service, import. */
import { card } from './cards';
import type { BayarClientOptions } from './calls';
import { ContractCalls } from './generated/contract';

/**
 * One connection to Bayar, with a method for each call of the contract. Make one and keep it: calls share it. Close it
 * at the end.
 *
 * address: host:port. The connection is encrypted, except to an address of this machine without certificates.
 *
 * Requests and answers are plain objects named as in the contract, in camel case. Methods reject with BayarError, or
 * with TypeError or RangeError for a request that cannot be right; nothing was sent then. A method that changes something
 * takes a requestId, a UUID, and makes one when there is none. Keep your own beside the order, and a call can be repeated
 * safely even after a crash. Lists fetch page after page as they are read; pageSize is how many at a time.
 */
export class BayarClient extends ContractCalls {
  constructor(address: string, options: BayarClientOptions = {}) {
    super(address, options);
  }

  /** A card that no log can repeat: the same as `card` of this package. */
  card = card;
}

export { card } from './cards';
export { CheckoutResultError, verifyCheckoutResult } from './checkouts';
export type { CheckoutResult } from './checkouts';
export type { BayarClientOptions, CallOptions, RetryPolicy } from './calls';
export type { ConnectionOptions, Credential } from './connection';
export { BayarError } from './errors';
export type { Code, Violation } from './errors';
export * from './generated/contract';
export { Reason } from './generated/reasons';
export { formatMoney, money } from './money';
export { readWebhook, WebhookError } from './webhooks';
export type { Webhook, WebhookOptions } from './webhooks';
