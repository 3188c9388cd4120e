/** Connections and credentials: encrypted, unless nothing leaves the machine or somebody says so. */
import { readFileSync } from 'node:fs';
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { ChannelOptions } from '@grpc/grpc-js';
import { credentials, type ChannelCredentials } from '@grpc/grpc-js';
import { kindOf } from './messages';

/** An API key or token; or what gives one, asked anew for each call. */
export type Credential = string | (() => string | Promise<string>);

/** How to reach the service. */
export interface ConnectionOptions {
  /** PEM of the authorities to trust. Default: the public ones. */
  rootCertificates?: Uint8Array | string;
  /** PEM of the certificate that shows who calls, with its chain. Together with privateKey. */
  certificate?: Uint8Array | string;
  /** PEM of the key of `certificate`. */
  privateKey?: Uint8Array | string;
  /** Plain text to wherever the address leads. Default: only to an address of this machine, without certificates. */
  insecure?: boolean;
}

/** What a channel is opened with unless the caller says otherwise. */
export const CHANNEL_OPTIONS: ChannelOptions = {
  // A connection that went dead is noticed within the sum of both. The service permits a ping every 10 s.
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.enable_retries': 0, // the client repeats calls itself, and knows which
  'grpc.use_local_subchannel_pool': 1, // a connection of its own, so that several clients reach several workers
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 5_000,
  'grpc.max_receive_message_length': 64 * 1024 * 1024, // a page of 500 payments with long histories
};

const HOST_AND_PORT = /^(?:\[[0-9A-Fa-f:.]+(?:%\w+)?\]|[^\s/:@?#,[\]]+):([0-9]{1,5})$/;
// gRPC's own names for addresses: its resolvers judge the rest.
const RESOLVED = /^(?:dns|ipv4|ipv6|unix|unix-abstract|xds):\S+$/;

/** Throws TypeError for an address that cannot be one. */
function checkAddress(address: unknown): void {
  if (typeof address !== 'string') {
    throw new TypeError(`address is text, for example "127.0.0.1:50051", not ${kindOf(address)}.`);
  }
  const [, port] = HOST_AND_PORT.exec(address) ?? [];
  if (port === undefined && !RESOLVED.test(address)) {
    const seen = JSON.stringify(address);
    throw new TypeError(`An address is host:port without a scheme, for example "127.0.0.1:50051", not ${seen}.`);
  }
  if (port !== undefined && !(Number(port) > 0 && Number(port) < 2 ** 16)) {
    throw new TypeError(`A port is 1 to 65535, not ${port} as in ${JSON.stringify(address)}.`);
  }
}

/** The channel's credentials. Throws TypeError for a bad address and for contradictions. */
export function channelCredentials(address: string, options: ConnectionOptions): ChannelCredentials {
  checkAddress(address);
  const { rootCertificates, certificate, privateKey, insecure = false } = options;
  for (const [name, given] of Object.entries({ rootCertificates, certificate, privateKey })) checkPem(name, given);
  if (!certificate !== !privateKey) throw new TypeError('certificate and privateKey go together.');
  const isEncrypted = rootCertificates !== undefined || certificate !== undefined;
  if (insecure && isEncrypted) throw new TypeError('insecure means plain text, and so takes no certificates.');
  if (insecure || (!isEncrypted && isLoopback(address))) return credentials.createInsecure();
  return credentials.createSsl(pem(rootCertificates), pem(privateKey), pem(certificate));
}

function checkPem(name: string, given: unknown): void {
  if (given === undefined) return;
  if (typeof given !== 'string' && !(given instanceof Uint8Array)) {
    throw new TypeError(`${name} is text or a Buffer, in PEM, not ${kindOf(given)}.`);
  }
  if (!Buffer.from(given as string).includes('-----BEGIN ')) throw new TypeError(`${name} holds nothing in PEM.`);
}

function pem(given: Uint8Array | string | undefined): Buffer | null {
  return given === undefined ? null : Buffer.from(given as string);
}

/** Whether the address (host:port, unix:path, or with gRPC's dns:, ipv4: or ipv6: before) stays on this machine. */
export function isLoopback(address: string): boolean {
  const [, scheme = '', rest = ''] = /^(unix|unix-abstract|dns|ipv4|ipv6):(.*)$/s.exec(address) ?? [];
  if (scheme.startsWith('unix')) return true;
  // dns://authority/host: somebody else's name server decides.
  if (rest.startsWith('//') && !rest.startsWith('///')) return false;
  const hosts = (scheme ? rest.replace(/^\/\/\//, '') : address).split(',');
  return hosts.every((each) => isLoopbackHost(hostOf(each)));
}

function hostOf(address: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(address);
  if (bracketed) return bracketed[1] ?? '';
  return address.split(':').length > 2 ? address : (address.split(':')[0] ?? '');
}

function isLoopbackHost(host: string): boolean {
  if (host === 'localhost') return true;
  if (isIPv4(host)) return LOOPBACK.check(host);
  return isIPv6(host) && LOOPBACK.check(host, 'ipv6');
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

/** The key in BAYAR_API_KEY, or the file that BAYAR_TOKEN_FILE names, which is read for each call. */
export function credentialFromEnvironment(): Credential | undefined {
  const { BAYAR_API_KEY: key, BAYAR_TOKEN_FILE: file } = process.env;
  return key || (file ? () => readFileSync(file, 'utf8') : undefined);
}

/** Throws TypeError for a credential that cannot be one; never naming it. A function is asked with each call only. */
export function checkCredential(credential: Credential): void {
  if (typeof credential !== 'function') bearer(credential);
}

/** The value of the header `authorization`. Throws TypeError for what is no credential; never naming it. */
export async function authorization(credential: Credential): Promise<string> {
  return bearer(typeof credential === 'function' ? await credential() : credential);
}

function bearer(given: unknown): string {
  const text = typeof given === 'string' ? given.trim() : '';
  if (!/^[\x21-\x7e]+$/.test(text)) {
    throw new TypeError('A credential is one word of ASCII: an API key (bayar_key_...) or a token.');
  }
  return `Bearer ${text}`;
}
