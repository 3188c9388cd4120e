// Runs conformance cases (tests/conformance at the top of the repository) with this client.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { BayarClient, BayarError } from 'bayar-client';

// The client's own knowledge of the contract, to read and write proto JSON with.
const require = createRequire(import.meta.url);
const { fromJson, serviceOf, snake } = require('../dist/messages.js');
const contract = require('../dist/generated/contract.json').nested.bayar.nested.payments.nested.v1.nested;
const SERVICES = Object.keys(contract).filter((name) => contract[name].methods);
const METHODS = Object.fromEntries(SERVICES.flatMap((name) => serviceOf(name).methodsArray.map((one) => [one.name, one])));

export class Runner {
  constructor(told) {
    this.told = told;
  }

  cases() {
    return this.#control('/cases');
  }

  async problems(test) {
    await this.#control('/begin', { case: test.id });
    const clients = new Map();
    try {
      const problems = await this.#run(test, clients);
      const { problems: more } = await this.#control('/end', { case: test.id });
      return [...problems, ...more];
    } finally {
      for (const client of clients.values()) client.close();
    }
  }

  async #run(test, clients) {
    const variables = new Variables();
    for (const step of test.steps) {
      if (step.settle) {
        await this.#control('/settle', {});
        continue;
      }
      const outcome = await perform(this.#client(test.server, step.options ?? {}, clients), step, variables);
      const found = [...problemsOf(outcome, variables.fill(step.expect))].map((problem) => `${step.call}: ${problem}`);
      if (found.length) return found;
      variables.save(step.save ?? {}, outcome.answer);
    }
    return [];
  }

  #client(server, options, clients) {
    const key = JSON.stringify(options);
    if (!clients.has(key)) clients.set(key, this.#open(server, options));
    return clients.get(key);
  }

  #open(server, options) {
    return new BayarClient(this.told[server], {
      credential: options.credential ?? this.told.api_key,
      rootCertificates: fs.readFileSync(this.told.root_certificates),
      ...(options.language && { language: options.language }),
      ...(options.attempts && { retry: { attempts: options.attempts } }),
      ...(options.timeout_seconds && { timeoutSeconds: options.timeout_seconds }),
    });
  }

  async #control(path, body) {
    const init = body && { method: 'POST', body: JSON.stringify(body) };
    return (await fetch(this.told.control + path, init)).json();
  }
}

class Variables {
  #values = new Map();

  save(paths, answer) {
    for (const [name, path] of Object.entries(paths)) {
      this.#values.set(name, String(path.split('.').reduce((value, part) => value[part], answer)));
    }
  }

  fill(content) {
    if (typeof content === 'string') return content.replace(/\$\{([\w.]+)\}/g, (_, name) => this.#value(name));
    if (Array.isArray(content)) return content.map((one) => this.fill(one));
    if (content === null || typeof content !== 'object') return content;
    return Object.fromEntries(Object.entries(content).map(([key, value]) => [key, this.fill(value)]));
  }

  #value(name) {
    if (name.startsWith('new.') && !this.#values.has(name)) this.#values.set(name, randomUUID());
    return this.#values.get(name);
  }
}

async function perform(client, step, variables) {
  const method = METHODS[step.call];
  const request = fromJson(method.resolvedRequestType, variables.fill(step.request), false);
  const name = step.call[0].toLowerCase() + step.call.slice(1);
  const isTimed = method.responseStream && step.options?.timeout_seconds;
  const outcome = { items: [] };
  try {
    const result = client[name](request, {
      ...(isTimed && { timeoutSeconds: step.options.timeout_seconds }),
      ...(step.options?.on_behalf_of && { onBehalfOf: step.options.on_behalf_of, reason: step.options.reason }),
    });
    if (result[Symbol.asyncIterator]) {
      if (step.take === 0) return outcome;
      for await (const item of result) {
        outcome.items.push(itemJson(method, item));
        if (outcome.items.length === step.take) break;
      }
    } else {
      outcome.answer = whole(method.resolvedResponseType, await result);
    }
  } catch (error) {
    if (!(error instanceof BayarError)) throw error;
    outcome.error = errorJson(error);
  }
  return outcome;
}

// Lists and exports give their elements; of a stream, the message that carried the item is compared.
function itemJson(method, item) {
  const response = method.resolvedResponseType;
  const repeated = response.fieldsArray.find((field) => field.repeated);
  return repeated ? jsonOf(repeated.resolvedType, item) : whole(response, item);
}

function whole(response, result) {
  if (typeof result !== 'object') return { [snake(response.fieldsArray[0].name)]: result };
  const isOf = (type) => Object.keys(result).every((name) => name in type.fields);
  if (isOf(response)) return jsonOf(response, result);
  const field = response.fieldsArray.find((one) => one.resolvedType?.fields && isOf(one.resolvedType));
  return { [snake(field.name)]: jsonOf(field.resolvedType, result) };
}

function jsonOf(type, plain) {
  const json = {};
  for (const [name, value] of Object.entries(plain)) {
    const field = type.fields[name];
    const one = (each) => (field.resolvedType?.fields && !(each instanceof Date) && typeof each === 'object' ? jsonOf(field.resolvedType, each) : each);
    json[snake(name)] = field.repeated ? value.map(one) : field.map ? value : one(value);
  }
  return json;
}

function errorJson(error) {
  return {
    code: error.code,
    reason: error.reason,
    message: error.sentence,
    localized_message: error.localizedMessage,
    violations: error.violations.map(({ field }) => field).sort(),
    metadata: error.metadata,
    retry_after_seconds: error.retryAfterSeconds ?? null,
    outcome_unknown: error.outcomeUnknown,
  };
}

function* problemsOf(outcome, expected) {
  if (outcome.error && !expected.error) yield `An unexpected error came: ${JSON.stringify(outcome.error)}`;
  if (expected.answer) yield* mismatches(expected.answer, outcome.answer, 'answer');
  if (expected.items) yield* mismatches(expected.items, outcome.items, 'items');
  if (!expected.error) return;
  if (!outcome.error) yield `No error came, but ${JSON.stringify(outcome.answer ?? outcome.items)}`;
  else yield* mismatches(sorted(expected.error), outcome.error, 'error');
}

function sorted(error) {
  return error.violations ? { ...error, violations: [...error.violations].sort() } : error;
}

export function* mismatches(expected, seen, path) {
  if (expected?.$present) {
    if (isDefault(seen)) yield `${path} is absent`;
  } else if (expected?.$absent) {
    if (!isDefault(seen)) yield `${path} is ${JSON.stringify(seen)} and should be absent`;
  } else if (expected?.$matches) {
    if (!new RegExp(expected.$matches).test(String(seen))) yield `${path} is ${seen}, which does not match ${expected.$matches}`;
  } else if (Array.isArray(expected)) {
    if (expected.length !== (seen ?? []).length) yield `${path} is ${JSON.stringify(seen)}, not ${expected.length} items`;
    else for (const [index, one] of expected.entries()) yield* mismatches(one, seen[index], `${path}[${index}]`);
  } else if (expected !== null && typeof expected === 'object') {
    for (const [key, value] of Object.entries(expected)) yield* mismatches(value, seen?.[key], `${path}.${key}`);
  } else if (String(expected) !== String(seen) && !(isDefault(expected) && isDefault(seen))) {
    yield `${path} is ${JSON.stringify(seen)}, not ${JSON.stringify(expected)}`;
  }
}

function isDefault(value) {
  return !value || value === '0' || (Array.isArray(value) ? !value.length : value.constructor === Object && !Object.keys(value).length);
}
