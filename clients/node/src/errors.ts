/** One error for everything that the service refuses or cannot say. */
import type { StatusObject } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import * as protobuf from 'protobufjs';
import { REMEDIES, type Reason } from './generated/reasons';

/** One fault of a request: the field's path as in the contract, for example "card.expiration_year", and why. */
export interface Violation {
  readonly field: string;
  readonly description: string;
}

/** The name of a gRPC status, for example "UNAVAILABLE". */
export type Code = keyof typeof status;

/** What a BayarError is made of. */
export interface ErrorFacts {
  code: Code;
  sentence: string;
  reason: string;
  localizedMessage: string;
  violations: readonly Violation[];
  metadata: { readonly [key: string]: string };
  requestId: string;
  outcomeUnknown: boolean;
  retryAfterSeconds?: number | undefined;
  isCancelledHere?: boolean;
}

/** A call that did not succeed. `message` says all of it, in English, for people; switch on `reason`. */
export class BayarError extends Error {
  override readonly name = 'BayarError';
  /** The gRPC status. */
  readonly code: Code;
  /**
   * The service's stable reason, for example Reason.PAYMENT_NOT_CAPTURABLE, which is the text "PAYMENT_NOT_CAPTURABLE".
   * A reason that a newer service sends is its text. Empty where the network speaks.
   */
  readonly reason: Reason | (string & {});
  /** One English sentence: what happened. */
  readonly sentence: string;
  /** The same in the client's language. Empty where the service sent none. */
  readonly localizedMessage: string;
  /** Every fault of the request. */
  readonly violations: readonly Violation[];
  /** How long the service asks to wait. Absent where it does not. */
  readonly retryAfterSeconds?: number;
  /** What the reason is about, for example { payment_id: ... }. */
  readonly metadata: { readonly [key: string]: string };
  /** The call's. Empty for calls that change nothing. */
  readonly requestId: string;
  /**
   * The call may or may not have taken effect. Repeat it with the same requestId to find out. With a new one it could
   * take effect twice.
   */
  readonly outcomeUnknown: boolean;
  /** Whether the same request later can help. The client has repeated it already, as often as it may. */
  readonly isRetryable: boolean;
  /** The remedy, one English sentence: by the reason, or by the code for a reason that this client does not know. */
  readonly remedy: string;

  /** @internal */
  constructor(facts: ErrorFacts) {
    super(text(facts));
    this.code = facts.code;
    this.reason = facts.reason;
    this.sentence = facts.sentence;
    this.localizedMessage = facts.localizedMessage;
    this.violations = facts.violations;
    if (facts.retryAfterSeconds !== undefined) this.retryAfterSeconds = facts.retryAfterSeconds;
    this.metadata = facts.metadata;
    this.requestId = facts.requestId;
    this.outcomeUnknown = facts.outcomeUnknown;
    this.isRetryable = isRetryable(facts);
    this.remedy = remedyOf(facts);
  }

}

const REPEAT = 'Repeat the call, with the same requestId where it has one.';
// For reasons that a newer service has, and for errors of the network, which have none.
const REMEDY_OF_CODE: { readonly [code: string]: string } = {
  INVALID_ARGUMENT: 'Correct the request as the message says.',
  NOT_FOUND: 'Check the id.',
  UNAUTHENTICATED: 'Use a valid credential.',
  PERMISSION_DENIED: 'Use a credential that may do this.',
  RESOURCE_EXHAUSTED: 'Send fewer calls at a time, and repeat later.',
  ABORTED: REPEAT,
  CANCELLED: REPEAT,
  DEADLINE_EXCEEDED: REPEAT,
  UNAVAILABLE: REPEAT,
  INTERNAL: REPEAT,
  UNKNOWN: REPEAT,
};

function remedyOf({ outcomeUnknown, reason, code }: ErrorFacts): string {
  if (outcomeUnknown) {
    return 'Repeat the call with the same requestId to learn the outcome. A new requestId could act twice.';
  }
  const known = Object.hasOwn(REMEDIES, reason) ? REMEDIES[reason] : undefined;
  return known ?? REMEDY_OF_CODE[code] ?? 'Do as the message says.';
}

// These codes do not tell whether the call took effect ...
const NEVER_SURE: readonly Code[] = ['CANCELLED', 'DATA_LOSS', 'DEADLINE_EXCEEDED', 'INTERNAL', 'UNKNOWN'];
// ... and these come from the network as well; the service's own ones carry a reason, and then nothing took effect.
const SURE_WITH_REASON: readonly Code[] = ['ABORTED', 'RESOURCE_EXHAUSTED'];
// These the service says after it looked the request_id up, so they settle what became of earlier attempts too.
const SETTLES_EARLIER: readonly Code[] = ['ALREADY_EXISTS', 'FAILED_PRECONDITION', 'INVALID_ARGUMENT', 'NOT_FOUND'];
// How grpc-js begins where there was no connection to send anything over.
const NOT_CONNECTED = ['No connection established', 'Name resolution failed'];

/** Where and how a call was made: for what an error says. */
export interface CallFacts {
  address: string;
  timeoutSeconds?: number | undefined;
  requestId: string;
  changes: boolean;
  isCancelledHere: boolean;
  hide: (text: string) => string;
}

/** What grpc-js gave, as a BayarError that repeats nothing secret of the request. */
export function errorOf(given: StatusObject, call: CallFacts, earlier?: BayarError): BayarError {
  const code = (status[given.code] as Code | undefined) ?? 'UNKNOWN';
  const details = detailsOf(given);
  const facts: ErrorFacts = {
    code,
    reason: details.reason,
    sentence: call.hide(sentence(code, given.details, details.reason, call)),
    localizedMessage: call.hide(details.localizedMessage),
    violations: details.violations.map(({ field, description }) => ({ field, description: call.hide(description) })),
    metadata: Object.fromEntries(Object.entries(details.metadata).map(([key, value]) => [key, call.hide(value)])),
    requestId: call.requestId,
    outcomeUnknown: call.changes && isUnsure(code, given.details, details.reason),
    retryAfterSeconds: details.retryAfterSeconds,
    isCancelledHere: call.isCancelledHere,
  };
  const settles = facts.reason && (SETTLES_EARLIER.includes(code) || facts.reason === 'GATEWAY_UNREACHABLE');
  // An outcome that an earlier attempt left unknown stays unknown, unless this error settles it.
  if (earlier?.outcomeUnknown && !settles) facts.outcomeUnknown = true;
  return new BayarError(facts);
}

function isUnsure(code: Code, told: string, reason: string): boolean {
  if (code === 'UNAVAILABLE') return reason !== 'GATEWAY_UNREACHABLE' && !isNotConnected(told);
  return NEVER_SURE.includes(code) || (SURE_WITH_REASON.includes(code) && !reason);
}

function isNotConnected(told: string): boolean {
  return NOT_CONNECTED.some((beginning) => told.startsWith(beginning));
}

function isRetryable({ code, reason, isCancelledHere }: ErrorFacts): boolean {
  if (code === 'ABORTED') return reason === 'OPERATION_IN_PROGRESS';
  return code === 'UNAVAILABLE' || (code === 'CANCELLED' && !isCancelledHere);
}

function sentence(code: Code, told: string, reason: string, call: CallFacts): string {
  if (code === 'DEADLINE_EXCEEDED' && !reason && call.timeoutSeconds !== undefined) {
    return `No answer came from Bayar at ${call.address} within ${call.timeoutSeconds} s.`;
  }
  if (code === 'UNAVAILABLE' && !reason) {
    if (isNotConnected(told)) return `Bayar at ${call.address} cannot be reached: ${told}`;
    return `The connection to Bayar at ${call.address} broke: ${told}`;
  }
  return told || 'Bayar gave no explanation.';
}

function text(facts: ErrorFacts): string {
  const lines = [`${facts.sentence} (${[facts.code, facts.reason].filter(Boolean).join(', ')})`];
  lines.push(...facts.violations.map(({ field, description }) => `  ${field}: ${description}`));
  if (facts.outcomeUnknown) {
    lines.push(
      'It is not known whether the call took effect. Repeat it with the same requestId to find out: that is safe, and a ' +
        'new requestId could do it twice.',
    );
  } else if (facts.requestId && facts.code === 'UNAVAILABLE') {
    lines.push('Nothing took effect. The same call again is safe.');
  }
  if (facts.retryAfterSeconds !== undefined) lines.push(`Try again after ${facts.retryAfterSeconds} s.`);
  if (facts.requestId) lines.push(`requestId: ${facts.requestId}`);
  return lines.join('\n');
}

// The parts of google.rpc.Status that errors carry, by field number. The whole: googleapis, google/rpc/error_details.proto.
const rpc = protobuf.Root.fromJSON({
  nested: {
    Any: { fields: { typeUrl: { type: 'string', id: 1 }, value: { type: 'bytes', id: 2 } } },
    Status: { fields: { details: { rule: 'repeated', type: 'Any', id: 3 } } },
    ErrorInfo: {
      fields: { reason: { type: 'string', id: 1 }, metadata: { keyType: 'string', type: 'string', id: 3 } },
    },
    Duration: { fields: { seconds: { type: 'int64', id: 1 }, nanos: { type: 'int32', id: 2 } } },
    RetryInfo: { fields: { retryDelay: { type: 'Duration', id: 1 } } },
    FieldViolation: { fields: { field: { type: 'string', id: 1 }, description: { type: 'string', id: 2 } } },
    BadRequest: { fields: { violations: { rule: 'repeated', type: 'FieldViolation', id: 1 } } },
    Unmet: {
      fields: {
        type: { type: 'string', id: 1 },
        subject: { type: 'string', id: 2 },
        description: { type: 'string', id: 3 },
      },
    },
    PreconditionFailure: { fields: { violations: { rule: 'repeated', type: 'Unmet', id: 1 } } },
    LocalizedMessage: { fields: { message: { type: 'string', id: 2 } } },
  },
} as protobuf.INamespace).resolveAll();

interface Details {
  reason: string;
  metadata: { [key: string]: string };
  violations: Violation[];
  localizedMessage: string;
  retryAfterSeconds?: number;
}

function detailsOf(given: StatusObject): Details {
  const details: Details = { reason: '', metadata: {}, violations: [], localizedMessage: '' };
  const [bytes] = given.metadata?.get('grpc-status-details-bin') ?? [];
  if (!Buffer.isBuffer(bytes)) return details;
  try {
    const { details: found } = read('Status', bytes) as { details: { typeUrl: string; value: Uint8Array }[] };
    for (const { typeUrl, value } of found) READERS[typeUrl.split('.').pop() ?? '']?.(value, details);
  } catch {
    // These are details of a proxy. The code and the text still count.
  }
  return details;
}

const READERS: { [name: string]: (value: Uint8Array, details: Details) => void } = {
  ErrorInfo: (value, details) => {
    Object.assign(details, read('ErrorInfo', value));
  },
  BadRequest: (value, details) => {
    details.violations.push(...(read('BadRequest', value) as { violations: Violation[] }).violations);
  },
  PreconditionFailure: (value, details) => {
    const { violations } = read('PreconditionFailure', value) as { violations: { [name: string]: string }[] };
    for (const { type, subject, description } of violations) {
      details.violations.push({ field: subject || type || '', description: description ?? '' });
    }
  },
  LocalizedMessage: (value, details) => {
    details.localizedMessage = (read('LocalizedMessage', value) as { message: string }).message;
  },
  RetryInfo: (value, details) => {
    const { retryDelay } = read('RetryInfo', value) as { retryDelay?: { seconds: number; nanos: number } };
    if (retryDelay) details.retryAfterSeconds = retryDelay.seconds + retryDelay.nanos / 1e9;
  },
};

function read(name: string, bytes: Uint8Array): object {
  const type = rpc.lookupType(name);
  return type.toObject(type.decode(bytes), { defaults: true, arrays: true, objects: true, longs: Number });
}
