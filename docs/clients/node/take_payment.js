// Takes a payment of 25.00 USD:  BAYAR_API_KEY=... node take_payment.js [host:port]
'use strict';

const { randomUUID } = require('node:crypto');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');

const ADDRESS = process.argv[2] ?? process.env.BAYAR_ADDRESS ?? '127.0.0.1:50051';
const TIMEOUT_SECONDS = 90; // longer than the service waits for the bank's answer
const ATTEMPTS = 3;
const PASSING = [grpc.status.UNAVAILABLE, grpc.status.CANCELLED];

const OPTIONS = {
  includeDirs: [path.join(__dirname, '../../../proto'), __dirname],
  keepCase: true, // names as in the contract
  longs: String, // amounts are 64 bits, more than a JavaScript number holds
  enums: String,
  defaults: true,
  oneofs: true,
};
const { bayar } = grpc.loadPackageDefinition(
  protoLoader.loadSync('bayar/payments/v1/payment_service.proto', OPTIONS),
);
const rpc = protoLoader.loadSync('status.proto', OPTIONS);

// Plain text is for this machine only. Elsewhere: grpc.credentials.createSsl(), or createSsl(fs.readFileSync('ca.pem')).
const client = new bayar.payments.v1.PaymentService(ADDRESS, grpc.credentials.createInsecure());

async function main() {
  const { payment } = await repeatedly({
    request_id: randomUUID(), // keep it beside your order: the same request again never pays twice
    reference: `order-${Date.now()}`,
    amount: { minor_units: '2500', currency_code: 'USD' },
    card: {
      number: '4111111111111111',
      expiration_month: 12,
      expiration_year: new Date().getFullYear() + 2,
      cvv: '123',
    },
  });
  console.log(`${payment.payment_id}  ${payment.reference}  ${payment.state}`);
  if (payment.decline) {
    console.log(`${payment.decline.reason}: ${payment.decline.customer_message?.text ?? ''}`);
  }
  if (payment.state === 'PAYMENT_STATE_PENDING') {
    console.log('The outcome is not known yet. Do not pay again: ask GetPayment later.');
  }
}

// Sends the request, and the very same one again while the service cannot be reached, or cancels it as it stops.
async function repeatedly(request) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await createPayment(request);
    } catch (error) {
      if (!PASSING.includes(error.code) || attempt === ATTEMPTS) throw Object.assign(error, { request });
      await sleep((detailsOf(error).RetryInfo?.retry_delay?.seconds ?? attempt) * 1000);
    }
  }
}

function createPayment(request) {
  const deadline = Date.now() + TIMEOUT_SECONDS * 1000;
  return new Promise((resolve, reject) => {
    client.CreatePayment(request, whoCalls(), { deadline }, (error, response) => (error ? reject(error) : resolve(response)));
  });
}

// An API key (`bayar keys create` issues them) or a token. Only over TLS, or to this machine.
function whoCalls() {
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${process.env.BAYAR_API_KEY ?? ''}`);
  return metadata;
}

// The details of google.rpc.Status by message name: { ErrorInfo, BadRequest, RetryInfo, LocalizedMessage }.
function detailsOf(error) {
  const [status] = error.metadata?.get('grpc-status-details-bin') ?? [];
  const details = {};
  for (const { type_url, value } of status ? read('Status', status).details : []) {
    const name = type_url.split('.').pop();
    if (rpc[`google.rpc.${name}`]) details[name] = read(name, value);
  }
  return details;
}

function read(name, bytes) {
  return rpc[`google.rpc.${name}`].deserialize(bytes);
}

function explain(error) {
  if (error.code === undefined || !error.request) return error.stack;
  const { ErrorInfo, BadRequest, LocalizedMessage } = detailsOf(error);
  const lines = [`${LocalizedMessage?.message || error.details} (${grpc.status[error.code]}, ${ErrorInfo?.reason ?? 'no reason'})`];
  for (const { field, description } of BadRequest?.field_violations ?? []) lines.push(`  ${field}: ${description}`);
  if (!ErrorInfo) lines.push('If the request was sent, its outcome is not known. Repeat it with the same request_id.');
  lines.push(`request_id: ${error.request.request_id}`);
  return lines.join('\n');
}

main()
  .catch((error) => {
    console.error(explain(error));
    process.exitCode = 1;
  })
  .finally(() => client.close());
