/** Plain objects to messages of the contract and back: exact numbers, and nothing that is dropped in silence. */
import * as protobuf from 'protobufjs';
import data from './generated/contract.json';

/** A message as a plain object. */
export type Plain = { [name: string]: unknown };

const root = protobuf.Root.fromJSON(data as protobuf.INamespace).resolveAll();
const TIMESTAMP = '.google.protobuf.Timestamp';
const DURATION = '.google.protobuf.Duration';
const FIELD_MASK = '.google.protobuf.FieldMask';
const INTEGERS_32 = new Set(['int32', 'sint32', 'sfixed32', 'uint32', 'fixed32']);
const INTEGERS_64 = new Set(['int64', 'sint64', 'sfixed64', 'uint64', 'fixed64']);

/** A service of the contract by its short name. */
export function serviceOf(name: string): protobuf.Service {
  return root.lookupService(`bayar.payments.v1.${name}`);
}

/** A message type of the contract by its short name. */
export function typeOf(name: string): protobuf.Type {
  return root.lookupType(`bayar.payments.v1.${name}`);
}

/** The bytes of a plain object. Throws TypeError for a field that the message does not have, or a value of another type. */
export function encode(type: protobuf.Type, plain: Plain): Buffer {
  return Buffer.from(type.encode(toMessage(type, plain, '')).finish());
}

/** The plain object of a message's bytes. */
export function decode(type: protobuf.Type, bytes: Uint8Array): Plain {
  return toPlain(type, type.decode(bytes) as unknown as Plain);
}

/**
 * A plain object of proto JSON, with the names of the contract or in camel case, such as a webhook carries.
 *
 * fill: fields that are absent get their defaults, as in an answer.
 */
export function fromJson(type: protobuf.Type, json: Plain, fill = true): Plain {
  const plain: Plain = {};
  for (const field of type.fieldsArray) {
    const value = json[snake(field.name)] ?? json[field.name];
    if (value !== undefined && value !== null) {
      plain[field.name] = eachOf(field, value, (one) => jsonValue(field, one, fill));
    } else if (fill && !isOptional(field)) {
      plain[field.name] = defaultOf(field);
    }
  }
  return plain;
}

function jsonValue(field: protobuf.Field, value: unknown, fill: boolean): unknown {
  const kind = field.resolvedType;
  if (kind?.fullName === TIMESTAMP) return new Date(String(value));
  if (kind?.fullName === DURATION) return Number.parseFloat(String(value));
  if (kind?.fullName === FIELD_MASK) return String(value).split(',').filter(Boolean);
  if (kind instanceof protobuf.Type) return fromJson(kind, value as Plain, fill);
  if (kind instanceof protobuf.Enum) return value;
  if (field.type === 'bytes') return Buffer.from(String(value), 'base64');
  return typeof value === 'string' && field.type !== 'string' ? exact(value, field) : value;
}

function defaultOf(field: protobuf.Field): unknown {
  if (field instanceof protobuf.MapField) return {};
  if (field.repeated) return [];
  if (field.resolvedType instanceof protobuf.Enum) return field.resolvedType.valuesById[0];
  if (field.type === 'bytes') return Buffer.alloc(0);
  return field.type === 'string' ? '' : field.type !== 'bool' && 0;
}

/** Whether an answer can come without it. Others are there always. */
function isOptional(field: protobuf.Field): boolean {
  if (field.repeated || field instanceof protobuf.MapField) return false;
  return field.partOf !== null || field.resolvedType instanceof protobuf.Type;
}

// To messages

function toMessage(type: protobuf.Type, plain: unknown, path: string): Plain {
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
    throw new TypeError(`${path || 'A request'} is an object, not ${kindOf(plain)}.`);
  }
  const message: Plain = {};
  // Own properties, also those of card(), which are hidden from whoever lists them.
  for (const name of Object.getOwnPropertyNames(plain)) {
    const value = (plain as Plain)[name];
    const here = path ? `${path}.${name}` : name;
    const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined;
    if (!field) throw new TypeError(`${type.name} has no field ${JSON.stringify(name)}.${hint(type, name)}`);
    if (value === undefined || value === null) continue;
    refuseSecondOfOneof(type, field, message);
    message[name] = eachOf(field, value, (one, where) => messageValue(field, one, here + where), here);
  }
  return message;
}

function hint(type: protobuf.Type, name: string): string {
  const meant = Object.keys(type.fields).find((one) => one.toLowerCase() === camel(name).toLowerCase());
  return meant ? ` Do you mean ${meant}?` : ` It has ${Object.keys(type.fields).join(', ')}.`;
}

function refuseSecondOfOneof(type: protobuf.Type, field: protobuf.Field, message: Plain): void {
  const others = (field.partOf?.oneof ?? []).filter((name) => name in message);
  if (others.length) throw new TypeError(`Give one of ${field.partOf?.oneof.join(', ')} in ${type.name}, not several.`);
}

function eachOf(
  field: protobuf.Field,
  value: unknown,
  convert: (one: unknown, where: string) => unknown,
  path = field.name,
): unknown {
  if (field instanceof protobuf.MapField) {
    if (typeof value !== 'object' || Array.isArray(value)) throw new TypeError(`${path} is an object, not ${kindOf(value)}.`);
    return Object.fromEntries(Object.entries(value as Plain).map(([key, one]) => [key, convert(one, `.${key}`)]));
  }
  if (!field.repeated) return convert(value, '');
  if (!Array.isArray(value)) throw new TypeError(`${path} is an array, not ${kindOf(value)}.`);
  return value.map((one, index) => convert(one, `[${index}]`));
}

function messageValue(field: protobuf.Field, value: unknown, path: string): unknown {
  const kind = field.resolvedType;
  if (kind instanceof protobuf.Enum) return enumNumber(kind, value, path);
  if (kind instanceof protobuf.Type) return wellKnown(kind.fullName, value, path) ?? toMessage(kind, value, path);
  if (INTEGERS_32.has(field.type)) return integer(value, path, 2 ** 31);
  if (INTEGERS_64.has(field.type)) return integer(value, path, Number.MAX_SAFE_INTEGER + 1);
  if (field.type === 'bytes') {
    if (value instanceof Uint8Array) return value;
    throw new TypeError(`${path} is a Uint8Array or Buffer, not ${kindOf(value)}.`);
  }
  const wanted = field.type === 'bool' ? 'boolean' : field.type;
  // The value is not named: it could be a card's number.
  if (typeof value !== wanted) throw new TypeError(`${path} is a ${wanted}, not ${kindOf(value)}.`);
  return value;
}

function enumNumber(kind: protobuf.Enum, value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  const number = typeof value === 'string' && Object.hasOwn(kind.values, value) ? kind.values[value] : undefined;
  if (number === undefined) throw new TypeError(`${path} is one of ${Object.keys(kind.values).join(', ')}.`);
  return number;
}

function integer(value: unknown, path: string, limit: number): number {
  if (typeof value !== 'number') throw new TypeError(`${path} is a number, not ${kindOf(value)}.`);
  if (!Number.isInteger(value)) throw new TypeError(`${path} is a whole number, not ${value}.`);
  if (value >= limit || value < -limit) throw new RangeError(`${path} is out of range.`);
  return value;
}

function wellKnown(name: string, value: unknown, path: string): Plain | undefined {
  if (name === TIMESTAMP) return timestamp(value, path);
  if (name === DURATION) return duration(value, path);
  if (name !== FIELD_MASK) return undefined;
  if (!Array.isArray(value)) throw new TypeError(`${path} is an array of field names, not ${kindOf(value)}.`);
  return { paths: value.map((one) => snake(String(one))) };
}

function timestamp(value: unknown, path: string): Plain {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) {
    throw new TypeError(`${path} is a valid Date, not ${kindOf(value)}.`);
  }
  const seconds = Math.floor(value.getTime() / 1000);
  return { seconds, nanos: (value.getTime() - seconds * 1000) * 1_000_000 };
}

function duration(value: unknown, path: string): Plain {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new TypeError(`${path} is a number of seconds.`);
  return { seconds: Math.trunc(value), nanos: Math.round((value % 1) * 1e9) };
}

export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

// To plain objects

function toPlain(type: protobuf.Type, message: Plain): Plain {
  const plain: Plain = {};
  for (const field of type.fieldsArray) {
    const isThere = Object.hasOwn(message, field.name) && message[field.name] !== null;
    if (isThere) plain[field.name] = eachOf(field, message[field.name], (one) => plainValue(field, one));
    else if (!isOptional(field)) plain[field.name] = defaultOf(field);
  }
  return plain;
}

function plainValue(field: protobuf.Field, value: unknown): unknown {
  const kind = field.resolvedType;
  if (kind instanceof protobuf.Enum) return kind.valuesById[value as number] ?? value;
  if (kind instanceof protobuf.Type) return plainMessage(kind, value as Plain);
  if (INTEGERS_64.has(field.type)) return exact(value, field);
  return field.type === 'bytes' ? Buffer.from(value as Uint8Array) : value;
}

function plainMessage(kind: protobuf.Type, value: Plain): unknown {
  const { seconds, nanos } = value as { seconds?: unknown; nanos?: number };
  if (kind.fullName === TIMESTAMP) return new Date(Number(seconds ?? 0) * 1000 + Math.floor((nanos ?? 0) / 1_000_000));
  if (kind.fullName === DURATION) return Number(seconds ?? 0) + (nanos ?? 0) / 1e9;
  if (kind.fullName === FIELD_MASK) return ((value['paths'] as string[] | undefined) ?? []).map(camel);
  return toPlain(kind, value);
}

function exact(value: unknown, field: protobuf.Field): number {
  const number = Number(String(value));
  if (Number.isSafeInteger(number)) return number;
  throw new RangeError(`${field.name} is ${String(value)}, which is more than a number of JavaScript counts exactly.`);
}

/** `minorUnits` for minor_units. */
export function camel(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** `minor_units` for minorUnits. */
export function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Every secret text in a request, as the contract's option `secret` marks them. */
export function secretsOf(type: protobuf.Type, plain: Plain): string[] {
  return type.fieldsArray.flatMap((field) => {
    const value = plain[field.name];
    if (typeof value === 'string' && field.options?.['(secret)'] === true) return [value];
    const kind = field.resolvedType;
    const isNested = kind instanceof protobuf.Type && typeof value === 'object' && value !== null && !Array.isArray(value);
    return isNested ? secretsOf(kind, value as Plain) : [];
  });
}
