"use strict";

// Every gateway of the official Node SDK that the twin serves, against the twin that the environment names.

const assert = require("node:assert/strict");
const { writeFileSync, mkdtempSync, createReadStream } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const { test } = require("node:test");
const braintree = require("braintree");
const {
  CreateCustomerSessionInput,
  CustomerRecommendationsInput,
  CustomerSessionInput,
  UpdateCustomerSessionInput,
} = require("braintree/lib/braintree/graphql");

const twin = new URL(process.env.TWIN_URL);
const address = [twin.hostname, twin.port];
const gateway = new braintree.BraintreeGateway({
  environment: new braintree.Environment(...address, twin.origin, twin.protocol === "https:", ...address),
  merchantId: "twin_merchant",
  publicKey: "twin_public_key",
  privateKey: "twin_private_key",
});
const ACCOUNT = "twin_usd_no_duplicate_check";
const CARD = { number: "4111111111111111", expirationDate: "12/2030", cvv: "123" };
// A PNG of one pixel.
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const ADDRESS = { firstName: "Ada", streetAddress: "1 Main St", postalCode: "60622", countryCodeAlpha2: "US" };

function ok(result) {
  assert.ok(result.success, result.message);
  return result;
}

async function all(stream) {
  const found = [];
  for await (const each of stream) found.push(each);
  return found;
}

function codes(result) {
  assert.equal(result.success, false);
  return result.errors.deepErrors().map((error) => error.code);
}

async function newCustomer(fields = {}) {
  return ok(await gateway.customer.create({ firstName: "Ada", creditCard: CARD, ...fields })).customer;
}

async function sale(fields = {}) {
  const asked = { amount: "10.00", merchantAccountId: ACCOUNT, paymentMethodNonce: "fake-valid-nonce", ...fields };
  return ok(await gateway.transaction.sale(asked)).transaction;
}

async function settledSale(fields = {}) {
  const sold = await sale({ options: { submitForSettlement: true }, ...fields });
  await gateway.testing.settle(sold.id);
  return gateway.transaction.find(sold.id);
}

test("client tokens", async () => {
  const { clientToken } = ok(await gateway.clientToken.generate({}));
  assert.equal(JSON.parse(Buffer.from(clientToken, "base64")).version, 2);
  assert.equal((await gateway.clientToken.generate({ customerId: "nobody" })).success, false);
});

test("customers are created, changed, found, searched and deleted", async () => {
  const customer = await newCustomer({ email: "ada@example.com", company: null, customFields: { storeMe: "yes" } });
  assert.equal(customer.creditCards[0].maskedNumber, "411111******1111");
  assert.equal(customer.customFields.storeMe, "yes");
  const updated = ok(await gateway.customer.update(customer.id, { lastName: "Lovelace" })).customer;
  assert.deepEqual([updated.firstName, updated.lastName], ["Ada", "Lovelace"]);
  const found = await all(gateway.customer.search((search) => search.id().is(customer.id)));
  assert.deepEqual(found.map((each) => each.id), [customer.id]);
  await gateway.customer.delete(customer.id);
  await assert.rejects(gateway.customer.find(customer.id), { type: "notFoundError" });
  assert.deepEqual(codes(await gateway.customer.create({ email: "nobody" })), ["81604"]);
});

test("addresses", async () => {
  const { id: customerId } = await newCustomer();
  const made = ok(await gateway.address.create({ customerId, ...ADDRESS, company: "", region: null })).address;
  assert.deepEqual([made.company, made.region], ["", null]);
  assert.equal(made.countryName, "United States of America");
  const changed = ok(await gateway.address.update(customerId, made.id, { locality: "Chicago" })).address;
  assert.equal(changed.locality, "Chicago");
  assert.equal((await gateway.address.find(customerId, made.id)).streetAddress, "1 Main St");
  await gateway.address.delete(customerId, made.id);
  await assert.rejects(gateway.address.find(customerId, made.id), { type: "notFoundError" });
});

test("credit cards", async () => {
  const { id: customerId } = await newCustomer();
  const asked = { customerId, ...CARD, billingAddress: ADDRESS, options: { verifyCard: true, makeDefault: true } };
  const card = ok(await gateway.creditCard.create(asked)).creditCard;
  assert.deepEqual([card.default, card.billingAddress.postalCode], [true, "60622"]);
  const changed = ok(await gateway.creditCard.update(card.token, { cardholderName: "Ada L" })).creditCard;
  assert.equal(changed.cardholderName, "Ada L");
  assert.equal((await gateway.creditCard.find(card.token)).last4, "1111");
  const nonce = ok(await gateway.paymentMethodNonce.create(card.token)).paymentMethodNonce.nonce;
  assert.equal((await gateway.creditCard.fromNonce(nonce)).token, card.token);
  const expiring = await gateway.creditCard.expiringBetween(new Date("2030-12-01"), new Date("2030-12-31"));
  assert.ok((await all(expiring)).some((each) => each.token === card.token));
  await gateway.creditCard.delete(card.token);
  await assert.rejects(gateway.creditCard.find(card.token), { type: "notFoundError" });
});

test("payment methods of several kinds", async () => {
  const { id: customerId } = await newCustomer();
  for (const [paymentMethodNonce, kind] of [
    ["fake-valid-mastercard-nonce", braintree.CreditCard],
    ["fake-paypal-future-nonce", braintree.PayPalAccount],
    ["fake-apple-pay-visa-nonce", braintree.ApplePayCard],
    ["fake-venmo-account-nonce", braintree.VenmoAccount],
  ]) {
    const method = ok(await gateway.paymentMethod.create({ customerId, paymentMethodNonce })).paymentMethod;
    assert.ok(method instanceof kind, paymentMethodNonce);
    assert.equal((await gateway.paymentMethod.find(method.token)).token, method.token);
    ok(await gateway.paymentMethod.update(method.token, { options: { makeDefault: true } }));
    await gateway.paymentMethod.delete(method.token);
  }
  assert.deepEqual(codes(await gateway.paymentMethod.create({ customerId, paymentMethodNonce: "none" })), ["93108"]);
});

test("a sale with everything", async () => {
  const sold = await sale({
    orderId: "everything",
    channel: undefined,
    taxAmount: "1.00",
    taxExempt: false,
    purchaseOrderNumber: null,
    billing: ADDRESS,
    shipping: { ...ADDRESS, internationalPhone: { countryCode: "1", nationalNumber: "3121234567" } },
    customer: { firstName: "Ada", email: "ada@example.com" },
    customFields: { storeMe: "yes" },
    descriptor: { name: "abc*product", phone: "3125551234" },
    lineItems: [{ name: "Tea", kind: "debit", quantity: "2", unitAmount: "5.00", totalAmount: "10.00" }],
    threeDSecurePassThru: { eciFlag: "05", cavv: "cavv", xid: "xid", threeDSecureVersion: "1.0.2" },
    deviceData: "collected",
    options: { storeInVaultOnSuccess: true, submitForSettlement: false, threeDSecure: { required: false } },
  });
  assert.equal(sold.billing.streetAddress, "1 Main St");
  assert.equal(sold.descriptor.name, "abc*product");
  assert.equal(sold.threeDSecureInfo.eciFlag, "05");
  assert.equal(sold.riskData.deviceDataCaptured, true);
  assert.ok(sold.creditCard.token);
  const items = await gateway.transactionLineItem.findAll(sold.id);
  assert.deepEqual(items.map((each) => [each.name, each.totalAmount]), [["Tea", "10.00"]]);
});

test("declines, rejections and validation errors", async () => {
  const asked = { amount: "2000.00", paymentMethodNonce: "fake-valid-nonce" };
  const declined = await gateway.transaction.sale(asked);
  assert.deepEqual([declined.success, declined.transaction.processorResponseCode], [false, "2000"]);
  const rejected = await gateway.transaction.sale({ ...asked, amount: "5001.00" });
  assert.equal(rejected.transaction.gatewayRejectionReason, "application_incomplete");
  const wrong = await gateway.transaction.sale({ ...asked, amount: "abc", customFields: { notDeclared: "x" } });
  assert.deepEqual(codes(wrong).sort(), ["81503", "91526"]);
  assert.equal(wrong.errors.for("transaction").on("amount")[0].code, "81503");
});

test("holds are adjusted, captured whole and in parts, and voided", async () => {
  const held = await sale({ creditCard: undefined });
  ok(await gateway.transaction.adjustAuthorization(held.id, "12.00"));
  const captured = ok(await gateway.transaction.submitForSettlement(held.id, "11.00", { orderId: "captured" }));
  assert.deepEqual([captured.transaction.status, captured.transaction.amount], ["submitted_for_settlement", "11.00"]);
  assert.equal(ok(await gateway.transaction.updateDetails(held.id, { orderId: "new" })).transaction.orderId, "new");
  assert.equal(ok(await gateway.transaction.void(held.id)).transaction.status, "voided");
  const parts = await sale();
  const part = ok(await gateway.transaction.submitForPartialSettlement(parts.id, "4.00")).transaction;
  assert.equal(part.authorizedTransactionId, parts.id);
  assert.deepEqual(codes(await gateway.transaction.submitForPartialSettlement(parts.id, "70.00")), ["91522"]);
});

test("refunds, credits and clones", async () => {
  const sold = await settledSale();
  const refund = ok(await gateway.transaction.refund(sold.id, { amount: "4.00", orderId: "back" })).transaction;
  assert.deepEqual([refund.type, refund.refundedTransactionId, refund.orderId], ["credit", sold.id, "back"]);
  assert.ok(codes(await gateway.transaction.refund(sold.id, "7.00")).includes("91521"));
  const credit = ok(await gateway.transaction.credit({ amount: "3.00", creditCard: CARD })).transaction;
  assert.equal(credit.type, "credit");
  const described = await sale({ paymentMethodNonce: undefined, creditCard: CARD });
  const options = { submitForSettlement: true };
  const clone = ok(await gateway.transaction.cloneTransaction(described.id, { amount: "8.00", options })).transaction;
  assert.deepEqual([clone.amount, clone.creditCard.last4], ["8.00", "1111"]);
});

test("shipments of PayPal transactions", async () => {
  const sold = await sale({ paymentMethodNonce: "fake-paypal-one-time-nonce", options: { submitForSettlement: true } });
  const tracked = ok(await gateway.transaction.packageTracking(sold.id, { carrier: "UPS", trackingNumber: "1Z" }));
  assert.equal(tracked.transaction.packages[0].trackingNumber, "1Z");
});

test("transactions are searched", async () => {
  const orderId = `node-suite-${process.pid}`;
  const first = await sale({ orderId });
  const second = await settledSale({ orderId, amount: "20.00" });
  const both = await all(gateway.transaction.search((search) => search.orderId().startsWith(orderId.slice(0, -1))));
  assert.deepEqual(new Set(both.map((each) => each.id)), new Set([first.id, second.id]));
  const settled = await all(
    gateway.transaction.search((search) => {
      search.orderId().is(orderId);
      search.status().in(["settled", "settling"]);
      search.amount().between("15.00", "25.00");
      search.createdAt().min(new Date(Date.now() - 86400000));
      search.refund().is(false);
    }),
  );
  assert.deepEqual(settled.map((each) => each.id), [second.id]);
});

test("verifications", async () => {
  const asked = { creditCard: CARD, options: { amount: "1.00", merchantAccountId: ACCOUNT } };
  const { verification } = ok(await gateway.creditCardVerification.create(asked));
  assert.equal(verification.status, "verified");
  assert.equal((await gateway.creditCardVerification.find(verification.id)).creditCard.last4, "1111");
  const found = await all(gateway.creditCardVerification.search((search) => search.id().is(verification.id)));
  assert.deepEqual(found.map((each) => each.id), [verification.id]);
});

test("disputes with texts and files", async () => {
  const sold = await sale({ paymentMethodNonce: undefined, creditCard: { ...CARD, number: "4023898493988028" } });
  const [{ id }] = sold.disputes;
  const evidence = ok(await gateway.dispute.addTextEvidence(id, { content: "text", category: "GENERAL" })).evidence;
  assert.equal(evidence.comment, "text");
  const file = join(mkdtempSync(join(tmpdir(), "twin-")), "evidence.png");
  writeFileSync(file, Buffer.from(PIXEL, "base64"));
  const asked = { kind: "evidence_document", file: createReadStream(file) };
  const { documentUpload } = ok(await gateway.documentUpload.create(asked));
  const uploaded = ok(await gateway.dispute.addFileEvidence(id, { documentId: documentUpload.id }));
  ok(await gateway.dispute.removeEvidence(id, uploaded.evidence.id));
  ok(await gateway.dispute.finalize(id));
  assert.equal((await gateway.dispute.find(id)).dispute.status, "disputed");
  const found = await all(await gateway.dispute.search((search) => search.id().is(id)));
  assert.deepEqual(found.map((each) => each.id), [id]);
});

test("plans, add-ons and discounts", async () => {
  const asked = { name: "Tea", price: "9.00", billingFrequency: 1, currencyIsoCode: "USD", trialPeriod: false };
  const made = ok(await gateway.plan.create({ ...asked, addOns: { add: [{ inheritedFromId: "increase_10" }] } })).plan;
  assert.equal(ok(await gateway.plan.update(made.id, { name: "Green tea" })).plan.name, "Green tea");
  const found = await gateway.plan.find(made.id);
  assert.deepEqual([found.name, found.addOns[0].id], ["Green tea", "increase_10"]);
  const { plans } = await gateway.plan.all();
  assert.ok(plans.some((each) => each.id === made.id));
  assert.ok((await gateway.addOn.all()).addOns.some((each) => each.id === "increase_10"));
  assert.ok((await gateway.discount.all()).discounts.some((each) => each.id === "discount_7"));
});

test("subscriptions", async () => {
  const customer = await newCustomer();
  const paymentMethodToken = customer.creditCards[0].token;
  const subscription = ok(
    await gateway.subscription.create({
      paymentMethodToken,
      planId: "integration_plan_with_add_ons_and_discounts",
      trialPeriod: false,
      neverExpires: true,
      addOns: {
        add: [{ inheritedFromId: "increase_30", quantity: 2 }],
        update: [{ existingId: "increase_10", amount: "1.00", numberOfBillingCycles: 2 }],
        remove: ["increase_20"],
      },
      discounts: { remove: ["discount_7", "discount_11"] },
      options: { startImmediately: true },
    }),
  ).subscription;
  assert.deepEqual([subscription.status, subscription.transactions.length], ["Active", 1]);
  assert.deepEqual(subscription.addOns.map((each) => each.id).sort(), ["increase_10", "increase_30"]);
  const options = { prorateCharges: true };
  const updated = ok(await gateway.subscription.update(subscription.id, { price: "99.00", options })).subscription;
  assert.deepEqual([updated.price, updated.transactions.length], ["99.00", 2]);
  const search = (criteria) => criteria.id().is(subscription.id);
  assert.deepEqual((await all(gateway.subscription.search(search))).map((each) => each.id), [subscription.id]);
  assert.deepEqual(codes(await gateway.subscription.retryCharge(subscription.id, "5.00")), ["91531"]);
  await gateway.subscription.cancel(subscription.id);
  assert.equal((await gateway.subscription.find(subscription.id)).status, "Canceled");
  assert.ok(codes(await gateway.subscription.create({ paymentMethodToken, planId: "none" })).includes("91904"));
});

test("merchant accounts and settlement batches", async () => {
  assert.equal((await gateway.merchantAccount.find("twin_eur")).currencyIsoCode, "EUR");
  assert.ok((await all(gateway.merchantAccount.all())).some((each) => each.id === ACCOUNT));
  await settledSale();
  const settlementDate = new Date().toISOString().slice(0, 10);
  const { settlementBatchSummary } = ok(await gateway.settlementBatchSummary.generate({ settlementDate }));
  assert.ok(settlementBatchSummary.records.length > 0);
});

test("webhooks of the SDK are parsed", async () => {
  const { bt_signature: signature, bt_payload: payload } = gateway.webhookTesting.sampleNotification(
    braintree.WebhookNotification.Kind.SubscriptionWentPastDue,
    "some_id",
  );
  const notification = await gateway.webhookNotification.parse(signature, payload);
  assert.equal(notification.subscription.id, "some_id");
});

test("bank accounts, their verifications and payments", async () => {
  const { id: customerId } = await newCustomer();
  const vaulted = async (usBankAccountVerificationMethod) => {
    const options = { usBankAccountVerificationMethod };
    const asked = { customerId, paymentMethodNonce: "fake-us-bank-account-nonce", options };
    return ok(await gateway.paymentMethod.create(asked)).paymentMethod;
  };
  const account = await vaulted("network_check");
  assert.equal(account.constructor.name, "UsBankAccount");
  assert.deepEqual([account.verified, account.verifications[0].status], [true, "verified"]);
  assert.equal((await gateway.usBankAccount.find(account.token)).achMandate.text, "example mandate text");
  const pending = (await vaulted("micro_transfers")).verifications[0];
  const confirm = (amounts) => gateway.usBankAccountVerification.confirmMicroTransferAmounts(pending.id, amounts);
  assert.deepEqual(codes(await confirm([1, 1])), ["96103"]);
  assert.equal(ok(await confirm([17, 29])).usBankAccountVerification.status, "verified");
  const search = (criteria) => {
    criteria.customerId().is(customerId);
    criteria.verificationMethod().in(["micro_transfers"]);
  };
  const found = await all(gateway.usBankAccountVerification.search(search));
  assert.deepEqual(found.map((each) => each.id), [pending.id]);
  const options = { submitForSettlement: true };
  const asked = { amount: "10.00", merchantAccountId: ACCOUNT, options };
  const paid = ok(await gateway.transaction.sale({ ...asked, paymentMethodToken: account.token })).transaction;
  assert.deepEqual([paid.status, paid.usBankAccount.last4], ["settlement_pending", "0000"]);
  await gateway.testing.settle(paid.id);
  assert.equal((await gateway.transaction.find(paid.id)).status, "settled");
});

test("SEPA debit accounts, local payments and Meta checkout", async () => {
  const { id: customerId } = await newCustomer();
  const asked = { customerId, paymentMethodNonce: "fake-sepa-direct-debit-nonce" };
  const account = ok(await gateway.paymentMethod.create(asked)).paymentMethod;
  assert.equal((await gateway.sepaDirectDebitAccount.find(account.token)).bankReferenceToken, "a-fake-bank-reference-token");
  const options = { submitForSettlement: true };
  const sepa = await sale({ paymentMethodNonce: undefined, paymentMethodToken: account.token, options });
  assert.equal(sepa.sepaDirectDebitAccountDetails.paypalV2OrderId, null);
  const withoutOrder = (search) => {
    search.sepaDebitPaypalV2_OrderId().is("");
    search.customerId().is(customerId);
  };
  const unnamed = await all(gateway.transaction.search(withoutOrder));
  assert.deepEqual(unnamed.map((each) => each.id), [sepa.id]);
  await gateway.testing.settle(sepa.id);
  const order = (await gateway.transaction.find(sepa.id)).sepaDirectDebitAccountDetails.paypalV2OrderId;
  const found = await all(gateway.transaction.search((search) => search.sepaDebitPaypalV2_OrderId().is(order)));
  assert.deepEqual(found.map((each) => each.id), [sepa.id]);
  await gateway.sepaDirectDebitAccount.delete(account.token);
  const local = await sale({ paymentMethodNonce: "fake-local-payment-method-nonce", options });
  assert.equal(local.paymentInstrumentType, "local_payment");
  assert.ok(local.localPayment.payerId && local.localPayment.captureId && local.localPayment.debugId);
  const meta = await sale({ paymentMethodNonce: "fake-meta-checkout-card-nonce", options });
  const search = (criteria) => {
    criteria.id().is(meta.id);
    criteria.paymentInstrumentType().is("MetaCheckout");
  };
  assert.equal((await all(gateway.transaction.search(search))).length, 1);
});

test("the gateways that speak GraphQL", async () => {
  const customer = CustomerSessionInput.builder().hashedEmail("48ddb93f").build();
  const session = CreateCustomerSessionInput.builder().customer(customer).build();
  const sessionId = ok(await gateway.customerSession.createCustomerSession(session)).target;
  const change = UpdateCustomerSessionInput.builder(sessionId).customer(customer).build();
  assert.equal(ok(await gateway.customerSession.updateCustomerSession(change)).target, sessionId);
  const recommendation = CustomerRecommendationsInput.builder().sessionId(sessionId).customer(customer).build();
  const recommended = await gateway.customerSession.getCustomerRecommendations(recommendation);
  assert.ok(recommended.target.isInPayPalNetwork);
  const quote = { quotes: [{ baseCurrency: "USD", quoteCurrency: "EUR", baseAmount: "10.00" }] };
  const rates = ok(await gateway.exchangeRateQuote.generate(quote));
  assert.ok(rates.exchangeRateQuotePayload.quotes[0].exchangeRate);
});

test("OAuth", async () => {
  const known = braintree.Environment.Development;
  braintree.Environment.Development = gateway.config.environment;
  const platform = new braintree.BraintreeGateway({
    clientId: "client_id$development$twin_merchant",
    clientSecret: "client_secret$development$twin_merchant",
  });
  const grant = { grant: { merchantPublicId: "twin_merchant", scope: "read_write" } };
  const post = (path, body) =>
    new Promise((resolve, reject) => {
      platform.http.post(path, body, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  const answer = await post("/oauth_testing/grants", grant);
  const { credentials } = ok(await platform.oauth.createTokenFromCode({ code: answer.grant.code }));
  assert.equal(credentials.tokenType, "bearer");
  const acting = new braintree.BraintreeGateway({ accessToken: credentials.accessToken });
  assert.equal((await acting.merchantAccount.find("twin_eur")).currencyIsoCode, "EUR");
  const { refreshToken } = credentials;
  const renewed = ok(await platform.oauth.createTokenFromRefreshToken({ refreshToken })).credentials;
  await assert.rejects(acting.merchantAccount.find("twin_eur"), { type: "authenticationError" });
  ok(await platform.oauth.revokeAccessToken(renewed.accessToken));
  assert.deepEqual(codes(await platform.oauth.createTokenFromCode({ code: "bad_code" })), ["93801"]);
  braintree.Environment.Development = known;
});

test("GraphQL", async () => {
  const query = `mutation($input: ChargePaymentMethodInput!) {
    chargePaymentMethod(input: $input) { transaction { legacyId status amount { value } } }
  }`;
  const input = { paymentMethodId: "fake-valid-nonce", transaction: { amount: "31.40" } };
  const { data } = await gateway.graphQLClient.query(query, { input });
  assert.equal(data.chargePaymentMethod.transaction.amount.value, "31.40");
  const found = await gateway.transaction.find(data.chargePaymentMethod.transaction.legacyId);
  assert.equal(found.status, "submitted_for_settlement");
});

test("wrong keys and unknown ids", async () => {
  const { environment, merchantId, publicKey } = gateway.config;
  const stranger = new braintree.BraintreeGateway({ environment, merchantId, publicKey, privateKey: "wrong" });
  await assert.rejects(stranger.transaction.find("any"), { type: "authenticationError" });
  await assert.rejects(gateway.transaction.find("none"), { type: "notFoundError" });
});
