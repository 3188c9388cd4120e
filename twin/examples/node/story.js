"use strict";

// A sale, a refund, a search and a client token with the official SDK, against the twin that the environment names.

const assert = require("node:assert/strict");
const braintree = require("braintree");

const twin = new URL(process.env.TWIN_URL || "https://127.0.0.1:8443");

const gateway = new braintree.BraintreeGateway({
  environment: new braintree.Environment(twin.hostname, twin.port, twin.origin, twin.protocol === "https:"),
  merchantId: process.env.TWIN_MERCHANT_ID || "twin_merchant",
  publicKey: process.env.TWIN_PUBLIC_KEY || "twin_public_key",
  privateKey: process.env.TWIN_PRIVATE_KEY || "twin_private_key",
});

async function story() {
  const orderId = `node-${Date.now()}`;

  const sold = await gateway.transaction.sale({
    amount: "24.50",
    orderId,
    paymentMethodNonce: "fake-valid-nonce",
    billing: { postalCode: "60622", countryCodeAlpha2: "US" },
    options: { submitForSettlement: true },
  });
  assert.ok(sold.success, sold.message);
  assert.equal(sold.transaction.status, "submitted_for_settlement");
  assert.equal(sold.transaction.creditCard.last4, "1881");
  assert.equal(sold.transaction.billing.postalCode, "60622");

  const declined = await gateway.transaction.sale({ amount: "2000.00", paymentMethodNonce: "fake-valid-nonce" });
  assert.equal(declined.success, false);
  assert.equal(declined.transaction.processorResponseCode, "2000");

  const wrong = await gateway.transaction.sale({ amount: "abc", paymentMethodNonce: "fake-valid-nonce" });
  assert.equal(wrong.errors.for("transaction").on("amount")[0].code, "81503");

  await gateway.testing.settle(sold.transaction.id);
  const refunded = await gateway.transaction.refund(sold.transaction.id, "4.50");
  assert.ok(refunded.success, refunded.message);
  assert.equal(refunded.transaction.type, "credit");
  assert.equal(refunded.transaction.refundedTransactionId, sold.transaction.id);

  const found = await gateway.transaction.search((search) => {
    search.orderId().is(orderId);
    search.type().is("sale");
    search.amount().between("24.00", "25.00");
  });
  const ids = [];
  for await (const transaction of found) {
    ids.push(transaction.id);
  }
  assert.deepEqual(ids, [sold.transaction.id]);

  const customer = await gateway.customer.create({
    firstName: "Ada",
    creditCard: { number: "4111111111111111", expirationDate: "12/2030" },
  });
  assert.ok(customer.success, customer.message);
  assert.equal(customer.customer.creditCards[0].last4, "1111");

  await assert.rejects(gateway.transaction.find("no-such-thing"), { type: "notFoundError" });

  const { clientToken } = await gateway.clientToken.generate({ customerId: customer.customer.id });
  const decoded = JSON.parse(Buffer.from(clientToken, "base64").toString("utf8"));
  assert.equal(decoded.merchantId, gateway.config.merchantId);

  return { sale: sold.transaction.id, refund: refunded.transaction.id, found: ids, clientTokenVersion: decoded.version };
}

story().then(
  (told) => console.log(JSON.stringify(told)),
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
