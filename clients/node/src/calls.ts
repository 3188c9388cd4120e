/** Calls that are repeated until they are answered, where repeating cannot do anything twice. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { CallOptions as GrpcCallOptions, ChannelOptions, Interceptor, StatusObject } from '@grpc/grpc-js';
import { Client, Metadata, status } from '@grpc/grpc-js';
import type * as protobuf from 'protobufjs';
import type { ConnectionOptions, Credential } from './connection';
import {
  authorization,
  CHANNEL_OPTIONS,
  channelCredentials,
  checkCredential,
  credentialFromEnvironment,
  isLoopback,
} from './connection';
import type { BayarError } from './errors';
import { errorOf } from './errors';
import type { Plain } from './messages';
import { decode, encode, kindOf, secretsOf, serviceOf } from './messages';
import { writeTraceContext } from './tracing';

/** How often and how soon a call is sent again, always with the same requestId. */
export interface RetryPolicy {
  /** How often a call is sent at most. Default: 5. 1 never repeats. */
  attempts?: number;
  /** The longest pause after the first attempt; it doubles with each. Default: 0.2. */
  firstDelaySeconds?: number;
  /** No pause is longer, unless the service asks for it. Default: 5. */
  longestDelaySeconds?: number;
}

/** Options of a client. */
export interface BayarClientOptions extends ConnectionOptions {
  /**
   * Who calls. Default: BAYAR_API_KEY, else the file in BAYAR_TOKEN_FILE, of the environment. It is never sent in plain
   * text to another machine: that is a TypeError.
   */
  credential?: Credential;
  /** BCP 47, for messages to customers. Default: the customer's own, else English. */
  language?: string;
  /** For each call, all its attempts together. Default: 90, longer than the gateway's 60 s, so that answers arrive. */
  timeoutSeconds?: number;
  /** Default: five attempts with pauses of up to 0.2, 0.4, 0.8, 1.6 s. */
  retry?: RetryPolicy;
  /** Options of the grpc-js channel, over the client's own. */
  channelOptions?: ChannelOptions;
  /** Interceptors of grpc-js, for each attempt. */
  interceptors?: Interceptor[];
}

/** Options of one call. */
export interface CallOptions {
  /** For all attempts together. Default: the client's; of streams: no limit. */
  timeoutSeconds?: number;
  /** Default: the client's. */
  retry?: RetryPolicy;
  /** Ends the call. What the service has begun goes on. */
  signal?: AbortSignal;
  /** For an operator: the caller acted for, the callerId of the resource. */
  onBehalfOf?: string;
  /** For an operator: why, in any language; 1 to 255 characters. */
  reason?: string;
}

/** The metadata of an operator's act. Binary metadata carry any language. */
function actOf({ onBehalfOf, reason }: CallOptions): Record<string, string | Buffer> {
  for (const [name, given] of Object.entries({ onBehalfOf, reason })) {
    if (given !== undefined && typeof given !== 'string') throw new TypeError(`${name} is text, not ${kindOf(given)}.`);
  }
  return {
    ...(onBehalfOf ? { 'bayar-on-behalf-of': onBehalfOf } : {}),
    ...(reason ? { 'bayar-reason-bin': Buffer.from(reason, 'utf8') } : {}),
  };
}

type Method = protobuf.Method & { resolvedRequestType: protobuf.Type; resolvedResponseType: protobuf.Type };

/** A prepared call: everything that its attempts have in common. */
interface Call {
  method: Method;
  path: string;
  plain: Plain;
  timeoutSeconds: number | undefined;
  retry: Required<RetryPolicy>;
  signal: AbortSignal | undefined;
  act: Readonly<Record<string, string | Buffer>>;
}

// The compiler sees one that is left out.
const CALL_OPTIONS = Object.keys({
  timeoutSeconds: true,
  retry: true,
  signal: true,
  onBehalfOf: true,
  reason: true,
} satisfies Record<keyof CallOptions, true>);
const CLIENT_OPTIONS = Object.keys({
  rootCertificates: true,
  certificate: true,
  privateKey: true,
  insecure: true,
  credential: true,
  language: true,
  timeoutSeconds: true,
  retry: true,
  channelOptions: true,
  interceptors: true,
} satisfies Record<keyof BayarClientOptions, true>);
const PASSING_DELAYS = { attempts: 5, firstDelaySeconds: 0.2, longestDelaySeconds: 5 } as const;

/** What all calls go through. */
export class Calls {
  readonly #address: string;
  readonly #client: Client;
  readonly #credential: Credential | undefined;
  readonly #language: string;
  readonly #timeoutSeconds: number;
  readonly #retry: Required<RetryPolicy>;
  #isClosed = false;

  constructor(address: string, options: BayarClientOptions = {}) {
    checkNames('A client', options, CLIENT_OPTIONS);
    const { credential = credentialFromEnvironment(), language = '', timeoutSeconds = 90, retry = {} } = options;
    const channel = channelCredentials(address, options);
    if (credential !== undefined) checkCredential(credential);
    if (typeof language !== 'string') throw new TypeError(`language is text, for example "id", not ${kindOf(language)}.`);
    if (credential !== undefined && options.insecure && !isLoopback(address)) {
      throw new TypeError('A credential is not sent in plain text to another machine: use TLS.');
    }
    this.#address = address;
    this.#credential = credential;
    this.#language = language;
    this.#timeoutSeconds = seconds('timeoutSeconds', timeoutSeconds);
    this.#retry = policy(PASSING_DELAYS, retry);
    const isLocal = isLoopback(address) ? { 'grpc.enable_http_proxy': 0 } : {};
    this.#client = new Client(address, channel, {
      ...CHANNEL_OPTIONS,
      ...isLocal,
      ...options.channelOptions,
      interceptors: options.interceptors ?? [],
    });
  }

  /** Shows the address and no credential. */
  [inspect.custom](): string {
    return `BayarClient('${this.#address}')`;
  }

  /** Ends the connection. The service finishes what it has begun. */
  close(): void {
    this.#isClosed = true;
    this.#client.close();
  }

  /** @internal */
  protected async unary<T>(service: string, rpc: string, request: object, field: string, options?: CallOptions): Promise<T> {
    const answer = await this.#answer(this.#prepared(service, rpc, request, options, this.#timeoutSeconds));
    return (field ? answer[field] : answer) as T;
  }

  /** @internal Page after page, as it is read. */
  protected async *list<T>(
    service: string,
    rpc: string,
    request: object,
    field: string,
    options?: CallOptions,
  ): AsyncGenerator<T, void, undefined> {
    const call = this.#prepared(service, rpc, request, options, this.#timeoutSeconds);
    for (;;) {
      const page = await this.#answer(call);
      const items = page[field] as T[];
      yield* items;
      const next = nextPage(call, page, items);
      if (!next) return;
      call.plain = { ...call.plain, ...next };
    }
  }

  /** @internal The messages of a stream that cannot be taken up in the middle. */
  protected async *whole<T>(
    service: string,
    rpc: string,
    request: object,
    _: string,
    options?: CallOptions,
  ): AsyncGenerator<T, void, undefined> {
    yield* this.#stream(this.#prepared(service, rpc, request, options, undefined), false) as AsyncGenerator<T>;
  }

  /** @internal The same, item by item. */
  protected async *rows<T>(
    service: string,
    rpc: string,
    request: object,
    field: string,
    options?: CallOptions,
  ): AsyncGenerator<T, void, undefined> {
    for await (const answer of this.whole<Plain>(service, rpc, request, field, options)) yield* answer[field] as T[];
  }

  /** @internal A thing as it is, and again at each change. What comes twice in a row is given once. */
  protected async *watch<T>(
    service: string,
    rpc: string,
    request: object,
    field: string,
    options?: CallOptions,
  ): AsyncGenerator<T, void, undefined> {
    let last = '';
    for await (const answer of this.#stream(this.#prepared(service, rpc, request, options, undefined), true)) {
      const seen = JSON.stringify(answer);
      if (seen !== last) yield answer[field] as T;
      last = seen;
    }
  }

  /** @internal The feed, which goes on behind the last position. */
  protected async *feed<T>(
    service: string,
    rpc: string,
    request: object,
    field: string,
    options?: CallOptions,
  ): AsyncGenerator<T, void, undefined> {
    const call = this.#prepared(service, rpc, request, options, undefined);
    for await (const answer of this.#stream(call, true)) {
      if (answer[field]) yield answer[field] as T;
      const { position } = (answer[field] ?? answer['heartbeat'] ?? {}) as { position?: number };
      if (position) call.plain = { ...call.plain, afterPosition: position };
    }
  }

  #prepared(
    service: string,
    rpc: string,
    request: object,
    options: CallOptions = {},
    defaultSeconds: number | undefined,
  ): Call {
    checkNames('A call', options, CALL_OPTIONS);
    const method = serviceOf(service).methods[rpc] as Method;
    const plain = withMask(method, { ...withOwnFields(request) });
    if (method.resolvedRequestType.fields['requestId']) plain['requestId'] ??= randomUUID();
    encode(method.resolvedRequestType, plain); // a wrong request is refused before anything is sent
    const given = options.timeoutSeconds;
    return {
      method,
      path: `/bayar.payments.v1.${service}/${rpc}`,
      plain,
      timeoutSeconds: given === undefined ? defaultSeconds : seconds('timeoutSeconds', given),
      retry: options.retry === undefined ? this.#retry : policy(this.#retry, options.retry),
      signal: options.signal,
      act: actOf(options),
    };
  }

  async #answer(call: Call): Promise<Plain> {
    const attempts = new Attempts(call);
    for (;;) {
      try {
        return await this.#once(call, attempts.deadline);
      } catch (raised) {
        await attempts.waitOrThrow(this.#errorOf(raised, call, attempts.earlier));
      }
    }
  }

  async #once(call: Call, deadline: number): Promise<Plain> {
    const { method, path } = call;
    const metadata = await this.#metadata(call);
    call.signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const under = this.#client.makeUnaryRequest<Plain, Plain>(
        path,
        (plain) => encode(method.resolvedRequestType, plain),
        (bytes) => decode(method.resolvedResponseType, bytes),
        call.plain,
        metadata,
        { deadline } satisfies GrpcCallOptions,
        (error, answer) => {
          call.signal?.removeEventListener('abort', cancel);
          if (error) reject(error);
          else resolve(answer as Plain);
        },
      );
      const cancel = (): void => under.cancel();
      call.signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  /** The answers as they come; a lost connection is made again where the stream can go on, or has not begun. */
  async *#stream(call: Call, canGoOn: boolean): AsyncGenerator<Plain, void, undefined> {
    const attempts = new Attempts(call);
    for (;;) {
      let hasBegun = false;
      try {
        for await (const answer of this.#streamOnce(call, attempts.deadline)) {
          hasBegun = true;
          if (canGoOn) attempts.beginAgain();
          yield answer;
        }
        return;
      } catch (raised) {
        const error = this.#errorOf(raised, call, attempts.earlier);
        if (hasBegun && !canGoOn) throw error;
        await attempts.waitOrThrow(error);
      }
    }
  }

  async *#streamOnce(call: Call, deadline: number): AsyncGenerator<Plain, void, undefined> {
    const { method, path } = call;
    const metadata = await this.#metadata(call);
    call.signal?.throwIfAborted();
    const answers = this.#client.makeServerStreamRequest<Plain, Plain>(
      path,
      (plain) => encode(method.resolvedRequestType, plain),
      (bytes) => decode(method.resolvedResponseType, bytes),
      call.plain,
      metadata,
      { deadline },
    );
    const cancel = (): void => answers.cancel();
    answers.on('error', () => undefined); // a cancelled stream tells of it after everybody has left
    call.signal?.addEventListener('abort', cancel, { once: true });
    try {
      for await (const answer of answers) yield answer as Plain;
    } finally {
      call.signal?.removeEventListener('abort', cancel);
      cancel();
    }
  }

  async #metadata(call: Call): Promise<Metadata> {
    if (this.#isClosed) throw new Error('This client is closed.');
    const metadata = new Metadata();
    if (this.#language) metadata.set('accept-language', this.#language);
    for (const [name, value] of Object.entries(call.act)) metadata.set(name, value);
    writeTraceContext(metadata);
    if (this.#credential !== undefined) metadata.set('authorization', await authorization(this.#credential));
    return metadata;
  }

  /** What grpc-js raised, as a BayarError. Anything else is a fault of the program, and thrown as it is. */
  #errorOf(raised: unknown, call: Call, earlier: BayarError | undefined): BayarError {
    if (!isStatus(raised)) throw raised;
    const type = call.method.resolvedRequestType;
    return errorOf(
      raised,
      {
        address: this.#address,
        timeoutSeconds: call.timeoutSeconds,
        requestId: String(call.plain['requestId'] ?? ''),
        changes: 'requestId' in type.fields,
        isCancelledHere: call.signal?.aborted ?? false,
        hide: hider(secretsOf(type, call.plain)),
      },
      earlier,
    );
  }
}

/** The attempts at one call, and its time. Without a timeout, time does not run out. */
class Attempts {
  readonly deadline: number;
  earlier: BayarError | undefined;
  #made = 0;

  constructor(private readonly call: Call) {
    this.deadline = call.timeoutSeconds === undefined ? Infinity : Date.now() + call.timeoutSeconds * 1000;
  }

  /** An answer came: the next fault is the first again. */
  beginAgain(): void {
    this.#made = 0;
    this.earlier = undefined;
  }

  /** Waits until the next attempt is due. Throws the error where there is none left, or no time for it. */
  async waitOrThrow(error: BayarError): Promise<void> {
    this.#made += 1;
    this.earlier = error;
    const milliseconds = 1000 * (error.retryAfterSeconds ?? this.#delaySeconds());
    const isInTime = Date.now() + milliseconds < this.deadline;
    if (!error.isRetryable || this.#made >= this.call.retry.attempts || !isInTime) throw error;
    try {
      await sleep(milliseconds, undefined, this.call.signal ? { signal: this.call.signal } : {});
    } catch {
      throw error; // the caller ended it: this is what is known
    }
  }

  #delaySeconds(): number {
    const { firstDelaySeconds, longestDelaySeconds } = this.call.retry;
    const longest = Math.min(firstDelaySeconds * 2 ** (this.#made - 1), longestDelaySeconds);
    return longest * (0.5 + Math.random() / 2);
  }
}

/** What to ask for next, or nothing on the last page. */
function nextPage(call: Call, page: Plain, items: unknown[]): Plain | undefined {
  if (page['nextPageToken']) return { pageToken: page['nextPageToken'] };
  const isByPosition = 'afterPosition' in call.method.resolvedRequestType.fields;
  const last = items.at(-1) as { position?: number } | undefined;
  return isByPosition && last?.position ? { afterPosition: last.position } : undefined;
}

/** An update without a mask changes what is given. */
function withMask(method: Method, plain: Plain): Plain {
  const mask = method.resolvedRequestType.fields['updateMask'];
  if (!mask || plain['updateMask'] !== undefined) return plain;
  const resource = Object.values(method.resolvedRequestType.fields).find((field) => field.resolvedType && field !== mask);
  const given = Object.entries((resource && plain[resource.name]) ?? {}).filter(([, value]) => value !== undefined);
  const id = `${resource?.name ?? ''}Id`;
  return { ...plain, updateMask: given.map(([name]) => name).filter((name) => name !== id) };
}

function withOwnFields(request: object): Plain {
  if (typeof request !== 'object' || request === null) {
    throw new TypeError(`A request is an object, such as { paymentId: 'pay_...' }, not ${kindOf(request)}.`);
  }
  return Object.fromEntries(Object.getOwnPropertyNames(request).map((name) => [name, (request as Plain)[name]]));
}

function isStatus(raised: unknown): raised is StatusObject {
  return raised instanceof Error && 'code' in raised && typeof raised.code === 'number' && raised.code in status;
}

/** Throws TypeError for an option that does not exist: it would be dropped in silence. */
function checkNames(whose: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`The options of a call or client, and retry, are objects, not ${kindOf(options)}.`);
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new TypeError(`${whose} has no option ${JSON.stringify(unknown)}. It has ${names.join(', ')}.`);
}

function policy(defaults: Required<RetryPolicy>, given: RetryPolicy): Required<RetryPolicy> {
  checkNames('retry', given, Object.keys(PASSING_DELAYS));
  const made = { ...defaults, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
  if (typeof made.attempts !== 'number') throw new TypeError(`retry.attempts is a number, not ${kindOf(made.attempts)}.`);
  if (!Number.isInteger(made.attempts) || made.attempts < 1) {
    throw new RangeError(`retry.attempts is a whole number of at least 1, which never repeats, not ${made.attempts}.`);
  }
  seconds('retry.firstDelaySeconds', made.firstDelaySeconds, true);
  seconds('retry.longestDelaySeconds', made.longestDelaySeconds, true);
  return made;
}

function seconds(name: string, value: unknown, mayBeZero = false): number {
  if (typeof value !== 'number') throw new TypeError(`${name} is a number of seconds, not ${kindOf(value)}.`);
  if (Number.isFinite(value) && (value > 0 || (mayBeZero && value === 0))) return value;
  throw new RangeError(`${name} is a number of seconds, ${mayBeZero ? '0 or more' : 'greater than 0'}, not ${value}.`);
}

/** Takes secrets out of a text, should one ever come back. */
function hider(secrets: string[]): (text: string) => string {
  const spellings = new Set(secrets.flatMap((secret) => [secret, secret.replace(/[ -]/g, '')]));
  const words = [...spellings].filter(Boolean).sort((one, other) => other.length - one.length);
  if (!words.length) return (text) => text;
  const escaped = words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|');
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}_])(?:${escaped})(?![\\p{L}\\p{N}_])`, 'gu');
  return (text) => text.replace(pattern, '(hidden)');
}
