/** The context of the current trace as metadata, where the program has @opentelemetry/api. */
import type { Metadata } from '@grpc/grpc-js';

/** Writes `traceparent` and whatever else the program's propagators write; nothing without OpenTelemetry or a span. */
export function writeTraceContext(metadata: Metadata): void {
  api ??= loaded();
  if (!api) return;
  const { context, propagation } = api;
  propagation.inject(context.active(), metadata, { set: (carrier, name, value) => carrier.set(name, value) });
}

type Api = typeof import('@opentelemetry/api');

let api: Api | false | undefined;

function loaded(): Api | false {
  try {
    return require('@opentelemetry/api') as Api;
  } catch {
    return false; // the program has none
  }
}
