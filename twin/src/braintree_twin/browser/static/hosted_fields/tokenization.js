/* Makes a nonce of the form's values by the client API, and answers as the component expects: [error] or [null, nonce]. */
const REQUEST_SECONDS = 60;
const BILLING_FIELDS = [
  "company", "countryCodeNumeric", "countryCodeAlpha2", "countryCodeAlpha3", "countryName", "extendedAddress",
  "locality", "region", "firstName", "lastName", "postalCode", "streetAddress",
];
const ERRORS = {
  HOSTED_FIELDS_FIELDS_EMPTY: ["CUSTOMER", "All fields are empty. Cannot tokenize empty card fields."],
  HOSTED_FIELDS_FIELDS_INVALID: [
    "CUSTOMER", "Some payment input fields are invalid. Cannot tokenize invalid card fields."],
  HOSTED_FIELDS_FAILED_TOKENIZATION: ["CUSTOMER", "The supplied card data failed tokenization."],
  HOSTED_FIELDS_TOKENIZATION_FAIL_ON_DUPLICATE: [
    "CUSTOMER", "This credit card already exists in the merchant's vault."],
  HOSTED_FIELDS_TOKENIZATION_CVV_VERIFICATION_FAILED: ["CUSTOMER", "CVV verification failed during tokenization."],
  HOSTED_FIELDS_TOKENIZATION_NETWORK_ERROR: ["NETWORK", "A tokenization network error occurred."],
  CLIENT_AUTHORIZATION_INSUFFICIENT: [
    "MERCHANT", "The authorization used has insufficient privileges."],
  CLIENT_AUTHORIZATION_INVALID: [
    "MERCHANT", "Either the client token has expired and a new one should be generated or the tokenization key has " +
      "been deactivated or deleted."],
};
const BY_VALIDATION_CODE = {
  81724: "HOSTED_FIELDS_TOKENIZATION_FAIL_ON_DUPLICATE",
  81736: "HOSTED_FIELDS_TOKENIZATION_CVV_VERIFICATION_FAILED",
};

function failure(code, details) {
  const [type, message] = ERRORS[code];
  return details ? { type, code, message, details } : { type, code, message };
}

/* The error in the fields, before anything is sent; null if there is none. */
function findFieldError(form, keys) {
  if (keys.every((key) => form.states[key].isEmpty)) {
    return failure("HOSTED_FIELDS_FIELDS_EMPTY");
  }
  const invalidFieldKeys = keys.filter((key) => !form.states[key].isValid);
  if (invalidFieldKeys.length === 0) {
    return null;
  }
  form.refuse(invalidFieldKeys);
  return failure("HOSTED_FIELDS_FIELDS_INVALID", { invalidFieldKeys });
}

function readCard(form, keys, options) {
  const value = (key) => (keys.includes(key) ? form.values[key] : "");
  const { month, year } = form.expiry();
  const givenAddress = options.billingAddress || {};
  const address = Object.fromEntries(
    BILLING_FIELDS.filter((name) => name in givenAddress).map((name) => [name, givenAddress[name]]));
  const billingAddress = value("postalCode") ? { ...address, postalCode: value("postalCode") } : address;
  const card = {
    number: value("number"),
    cvv: value("cvv"),
    expirationMonth: keys.some((key) => EXPIRIES.includes(key)) ? month : "",
    expirationYear: year && keys.some((key) => EXPIRIES.includes(key)) ? String(fullYear(year, new Date())) : "",
    cardholderName: value("cardholderName") || options.cardholderName || "",
  };
  const filled = Object.fromEntries(Object.entries(card).filter(([, text]) => text !== ""));
  return Object.keys(billingAddress).length ? { ...filled, billingAddress } : filled;
}

function requestBody(form, keys, options, client) {
  const insight = options.authenticationInsight;
  return {
    _meta: { ...client.analyticsMetadata, source: "hosted-fields" },
    creditCard: { ...readCard(form, keys, options), options: { validate: Boolean(options.vault) } },
    ...(insight ? { authenticationInsight: true, merchantAccountId: insight.merchantAccountId } : {}),
    ...(client.authorizationType === "TOKENIZATION_KEY"
      ? { tokenizationKey: client.authorization }
      : { authorizationFingerprint: client.authorizationFingerprint }),
  };
}

async function post(url, body) {
  const canceled = new AbortController();
  const timer = setTimeout(() => canceled.abort(), REQUEST_SECONDS * 1000);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: canceled.signal,
    });
    return { status: response.status, content: await response.json() };
  } finally {
    clearTimeout(timer);
  }
}

function codesOf(fieldErrors) {
  return (fieldErrors || []).flatMap((each) => [each.code, ...codesOf(each.fieldErrors)]).filter(Boolean);
}

function refusal(status, content) {
  if (status === 401) {
    return failure("CLIENT_AUTHORIZATION_INVALID");
  }
  if (status === 403) {
    return failure("CLIENT_AUTHORIZATION_INSUFFICIENT");
  }
  const originalError = {
    name: "BraintreeError",
    type: "NETWORK",
    code: "CLIENT_REQUEST_ERROR",
    message: "There was a problem with your request.",
    details: { originalError: content, httpStatus: status },
  };
  if (status >= 500) {
    return failure("HOSTED_FIELDS_TOKENIZATION_NETWORK_ERROR", { originalError });
  }
  const code = codesOf(content.fieldErrors).map((each) => BY_VALIDATION_CODE[each]).find(Boolean);
  return failure(code || "HOSTED_FIELDS_FAILED_TOKENIZATION", { originalError });
}

/* Answers a request to tokenize. `client` is a promise of the client's configuration. */
async function tokenize(form, client, options) {
  const wanted = options.fieldsToTokenize;
  const keys = wanted ? form.keys.filter((key) => wanted.includes(key)) : form.keys;
  const fieldError = findFieldError(form, keys);
  if (fieldError) {
    return [fieldError];
  }
  const configuration = await client;
  const url = `${configuration.gatewayConfiguration.clientApiUrl}/v1/payment_methods/credit_cards`;
  let answer;
  try {
    answer = await post(url, requestBody(form, keys, options, configuration));
  } catch (error) {
    const originalError = { name: error.name, message: error.message };
    return [failure("HOSTED_FIELDS_TOKENIZATION_NETWORK_ERROR", { originalError })];
  }
  if (answer.status >= 400) {
    return [refusal(answer.status, answer.content)];
  }
  const { nonce, details, description, type, binData, authenticationInsight } = answer.content.creditCards[0];
  const payload = { nonce, details, description, type, binData };
  return [null, authenticationInsight ? { ...payload, authenticationInsight } : payload];
}
