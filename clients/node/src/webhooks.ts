/** Events that the service pushes: genuine or refused. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Event } from './generated/contract';
import type { Plain } from './messages';
import { fromJson, typeOf } from './messages';

/** A pushed event. */
export interface Webhook {
  /** Unique. The same one can come more than once: apply it once. */
  id: string;
  /** For example "bayar.payments.v1.payment_changed". */
  type: string;
  /** The id of the payment, customer, payment method or dispute. */
  subject: string;
  /** The change, as streamEvents gives it. */
  event: Event;
}

/** What somebody else sent, or somebody changed, or sent again much later. Answer 400 and do nothing. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError';
}

type Headers = { get(name: string): string | null } | { readonly [name: string]: string | string[] | undefined };

/** What readWebhook takes beside what came. */
export interface WebhookOptions {
  /** How far the sender's clock may be from ours. Default: 300. */
  toleranceSeconds?: number;
  /** This machine's clock. */
  now?: () => Date;
}

/**
 * Checks the signature of a pushed event (Standard Webhooks), and reads it.
 *
 * headers: of the request, as Node (`request.headers`) or fetch has them. body: the bytes as they came, before any parser.
 * secret: the endpoint's, as text or as `whsec_` and base64; while it changes, both.
 * Throws WebhookError where it is not genuine, or older or newer than the tolerance.
 */
export function readWebhook(
  headers: Headers,
  body: Uint8Array | string,
  secret: string | readonly string[],
  options: WebhookOptions = {},
): Webhook {
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
    throw new TypeError('body is the bytes or the text as they came, before any parser.');
  }
  const { toleranceSeconds = 300, now = () => new Date() } = options;
  const id = header(headers, 'webhook-id');
  const timestamp = header(headers, 'webhook-timestamp');
  if (!/^[0-9]{1,15}$/.test(timestamp)) throw new WebhookError('webhook-timestamp is no time.');
  if (!(Math.abs(now().getTime() / 1000 - Number(timestamp)) <= toleranceSeconds)) {
    throw new WebhookError(`The webhook was signed more than ${toleranceSeconds} s ago, or in the future.`);
  }
  const signatures = header(headers, 'webhook-signature').split(' ');
  const keys = keysOf(secret);
  const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const isGenuine = keys.some((key) => {
    const wanted = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(bytes).digest('base64');
    return signatures.some((signature) => isEqual(signature, `v1,${wanted}`));
  });
  if (!isGenuine) throw new WebhookError('No signature is that of the secret.');
  return read(bytes);
}

function read(bytes: Buffer): Webhook {
  const envelope = JSON.parse(bytes.toString('utf8')) as Plain;
  const event = fromJson(typeOf('Event'), (envelope['data'] ?? {}) as Plain) as unknown as Event;
  return {
    id: String(envelope['id']),
    type: String(envelope['type']),
    subject: String(envelope['subject'] ?? ''),
    event,
  };
}

function keysOf(secret: string | readonly string[]): Buffer[] {
  const given = typeof secret === 'string' ? [secret] : secret;
  if (!Array.isArray(given) || given.some((each) => typeof each !== 'string')) {
    throw new TypeError('A secret is text, or an array of texts.');
  }
  const words = given.flatMap((each: string) => each.split(/\s+/)).filter(Boolean);
  if (!words.length) throw new TypeError('The secret of the endpoint is empty.');
  return words.map(keyOf);
}

function keyOf(secret: string): Buffer {
  if (!secret.startsWith('whsec_')) return Buffer.from(secret);
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  if (!key.length) throw new TypeError('The secret has no key in base64 after whsec_.');
  return key;
}

function header(headers: Headers, name: string): string {
  const value = typeof headers['get'] === 'function' ? headers.get(name) : (headers as { [name: string]: unknown })[name];
  if (typeof value !== 'string' || !value) throw new WebhookError(`The header ${name} is missing.`);
  return value;
}

function isEqual(one: string, other: string): boolean {
  const [first, second] = [Buffer.from(one), Buffer.from(other)];
  return first.length === second.length && timingSafeEqual(first, second);
}
