"use strict";

// Prints the request that each public method of each gateway of the official Node SDK sends; nothing is sent.

const { createReadStream } = require("node:fs");
const braintree = require("braintree");
const inputs = require("braintree/lib/braintree/graphql");

class Recorded extends Error {}

const environment = new braintree.Environment("offline", "1", "http://offline", false, "offline", "1");
const gateway = new braintree.BraintreeGateway({ environment, merchantId: "m", publicKey: "p", privateKey: "k" });
gateway.config.clientId = "client_id$development$a";
gateway.config.clientSecret = "client_secret$development$b";

let recorded;
for (const name of ["http", "graphql/graphql"]) {
  for (const { prototype } of Object.values(require(`braintree/lib/braintree/${name}`))) {
    prototype.httpRequest = (method, url, body) => {
      recorded ??= { method, url, body };
      return Promise.reject(new Recorded());
    };
    if (prototype.request) prototype.request = (query) => prototype.httpRequest("POST", "/graphql", { query });
  }
}

// Methods that send nothing, and the helpers that the gateways do not mark as private.
const LOCAL = new Set(["webhookNotification.parse", "webhookNotification.verify", "webhookTesting.sampleNotification",
  "oauth.connectUrl"]);
const HELPER =
  /Handler$|Generator$|Result$|Query$|Signature$|Format$|CustomField$|EnvironmentCheck$|^validateParams$|[xX]ml/;
const CUSTOMER = inputs.CustomerSessionInput.builder().email("ada@example.com").build();
// The arguments of methods that take more than texts.
const ARGUMENTS = {
  "address.create": [{ customerId: "c" }],
  "address.update": ["c", "a", {}],
  "bankAccountInstantVerification.createJwt": [{ toGraphQLVariables: () => ({}) }],
  "creditCard.expiringBetween": [new Date(), new Date()],
  "customerSession.createCustomerSession": [
    inputs.CreateCustomerSessionInput.builder().customer(CUSTOMER).build(),
  ],
  "customerSession.updateCustomerSession": [
    inputs.UpdateCustomerSessionInput.builder("s").customer(CUSTOMER).build(),
  ],
  "customerSession.getCustomerRecommendations": [
    inputs.CustomerRecommendationsInput.builder().sessionId("s").customer(CUSTOMER).build(),
  ],
  "dispute.addTextEvidence": ["d", "t"],
  "documentUpload.create": [{ kind: "evidence_document", file: createReadStream(__filename) }],
  "exchangeRateQuote.generate": [{ quotes: [] }],
  "localPaymentContext.create": [{ toGraphQLVariables: () => ({}), toGraphqlVariables: () => ({}) }],
  "merchantAccount.all": [() => {}],
  "paymentMethod.delete": ["t"],
  "paymentMethodNonce.create": ["t"],
  "paypalPaymentResource.update": [{}],
  "settlementBatchSummary.generate": [{ settlementDate: "2030-01-01" }],
  "subscription.retryCharge": ["s", "1.00"],
  "transaction.cloneTransaction": ["t", {}],
  "transaction.updateDetails": ["t", {}],
  "usBankAccount.sale": ["t", {}],
  "usBankAccountVerification.confirmMicroTransferAmounts": ["v", [17, 29]],
};
const OF_PARAMETERS = ["create", "sale", "credit", "generate", "createTokenFromCode", "createTokenFromRefreshToken",
  "createForCurrency"];

function argumentsOf(name, method) {
  if (ARGUMENTS[name]) return ARGUMENTS[name];
  if (/search$/i.test(method)) return [(search) => search.id().is("x")];
  if (OF_PARAMETERS.includes(method)) return [{}];
  return ["x", method === "update" || method === "packageTracking" ? {} : "x", {}];
}

async function main() {
  for (const [part, value] of Object.entries(gateway)) {
    if (!/Gateway$/.test(value?.constructor?.name ?? "")) continue;
    for (const method of Object.getOwnPropertyNames(Object.getPrototypeOf(value))) {
      const name = `${part}.${method}`;
      if (method === "constructor" || method.startsWith("_") || LOCAL.has(name) || HELPER.test(method)) continue;
      recorded = undefined;
      let failure;
      try {
        const result = await value[method](...argumentsOf(name, method));
        // A list asks when somebody reads it.
        const stream = result ?? (name === "merchantAccount.all" ? gateway.merchantAccount.all() : undefined);
        if (stream?.[Symbol.asyncIterator]) for await (const _ of stream) break;
      } catch (error) {
        failure = error;
      }
      const sent = recorded ?? { failure: String(failure?.stack ?? failure) };
      console.log(JSON.stringify({ name, ...sent, body: sent.body?.query }));
    }
  }
}

main().then(() => process.exit(0));
