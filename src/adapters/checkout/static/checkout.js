/*
 * The checkout page's behaviour: the gateway's fields, one payment however often it is asked for, and the outcome.
 *
 * The server renders the order, the texts (element #texts, JSON) and the state; main#checkout has data-state, data-attempt,
 * data-amount, data-currency and data-seconds-left. Texts: paying, checking, offline, to_paypal, paypal_cancelled, no_method,
 * paid, network, unknown, not_loaded, card_refused, not_authenticated, number_label, expiry_label, expiry_example,
 * cvv_label, number_empty, number_invalid, expiry_empty, expiry_invalid, cvv_empty, cvv_invalid.
 */
(function () {
  "use strict";

  const FIELDS = { number: "card-number", expirationDate: "card-expiry", cvv: "card-cvv" };
  const PREFIXES = { number: "number", expirationDate: "expiry", cvv: "cvv" };
  const PAYABLE = ["open", "declined"];
  const LOST = "CONNECTION_LOST";
  const CONNECTION_ERRORS = [
    LOST, "HOSTED_FIELDS_TOKENIZATION_NETWORK_ERROR", "CLIENT_GATEWAY_NETWORK", "CLIENT_REQUEST_TIMEOUT",
  ];
  const LONGEST_PAUSE_SECONDS = 30;
  const LONGEST_WAIT_SECONDS = 120;
  const LONGEST_COLLECTION_SECONDS = 3;
  const RETURN_AFTER_MS = 2000;
  const EXPIRY_LOOK_MS = 2000;
  // The service captures as the checkout says.
  const PAYPAL_INTENT = "authorize";

  const main = element("checkout");
  const texts = JSON.parse(element("texts").textContent);
  const path = window.location.pathname.replace(/\/$/, "");
  const gateway = { client: null, hosted: null, three: null, deviceData: "" };
  // The buttons of the wallets that the account and the browser have.
  const wallets = [];
  let busy = false;

  function element(id) {
    return document.getElementById(id);
  }

  // The server.

  /* The answer. An error that passes has `passes`, and `retry_after_seconds` if the server says when to ask again. */
  async function ask(method, name, body) {
    const options = {
      method,
      headers: {
        "X-Checkout-Token": document.querySelector("meta[name=checkout-csrf]").content,
        "X-Checkout-Language": document.documentElement.lang,
      },
    };
    if (body) {
      options.headers["Content-Type"] = "application/json";
      options.body = JSON.stringify(body);
    }
    let response;
    try {
      response = await fetch(`${path}/${name}`, options);
    } catch (error) {
      error.code = LOST;
      throw error;
    }
    const { state, ...answer } = await response.json();
    if (response.status === 429 || response.status >= 500) {
      answer.passes = !state || state === "error";
      answer.retry_after_seconds = Number(response.headers.get("Retry-After")) || 0;
    }
    return { ...answer, state: answer.passes ? "error" : state };
  }

  function pause(seconds) {
    return new Promise((resolve) => { window.setTimeout(resolve, seconds * 1000); });
  }

  /* Asks for the state until there is an answer: the network or the service may be away for a while. */
  async function askState() {
    for (let seconds = 1; ; seconds = Math.min(seconds * 2, LONGEST_PAUSE_SECONDS)) {
      let wait = 0;
      try {
        const answer = await ask("GET", "status");
        if (!answer.passes) {
          return answer;
        }
        wait = Math.min(answer.retry_after_seconds, LONGEST_WAIT_SECONDS);
      } catch {
        // The connection is lost. A shopper who waits for an outcome reads it.
        if (busy) {
          progress(texts.offline);
        }
      }
      await pause(Math.max(seconds, wait));
    }
  }

  // What the shopper sees.

  function show(state) {
    main.dataset.state = state;
    const payable = PAYABLE.includes(state);
    const isOver = !payable && state !== "paying" && state !== "loading";
    element("payment").hidden = isOver;
    element("pay").disabled = !payable;
    if (element("wallets")) {
      element("wallets").hidden = isOver || !wallets.length;
      wallets.forEach((button) => { button.disabled = !payable; });
    }
    const cancel = element("cancel");
    if (cancel) {
      // Nobody leaves as if nothing had been paid.
      cancel.hidden = ["paying", "pending", "paid"].includes(state);
    }
    element("payment").setAttribute("aria-busy", String(state === "paying"));
  }

  function say(id, text) {
    element(id).textContent = text;
    element(id).hidden = !text;
  }

  function complain(text) {
    say("progress", "");
    say("message", text);
    if (text) {
      // So that the next thing a screen reader says, and the next step of the keyboard, begin here.
      element("message").focus();
    }
  }

  function progress(text) {
    say("message", "");
    say("progress", text);
  }

  function complainOfField(field, kind) {
    const text = kind ? texts[`${PREFIXES[field]}_${kind}`] : "";
    say(`${FIELDS[field]}-error`, text);
    element(FIELDS[field]).classList.toggle("faulty", Boolean(text));
    gateway.hosted.setMessage({ field, message: text });
  }

  // Outcomes.

  /* Shows an answer of the server, and follows an unknown outcome to its end. */
  async function follow(answer) {
    let current = answer;
    while (current.state === "pending") {
      show("pending");
      progress(current.message || texts.checking);
      await pause(current.check_after_seconds || 2);
      current = await askState();
    }
    finish(current);
  }

  function finish(answer) {
    busy = false;
    if (answer.attempt) {
      main.dataset.attempt = answer.attempt;
    }
    if (answer.state === "error") {
      // Nobody knows whether a payment is under way, so the page takes none.
      show("failed");
      complain(answer.message || texts.unknown);
      return;
    }
    show(answer.state);
    if (answer.state === "paid") {
      leave(answer);
      return;
    }
    if (!PAYABLE.includes(answer.state)) {
      offerWayBack(answer.return_url);
    }
    complain(answer.message || "");
  }

  /* The address of the shop, where there is one, as a button. */
  function offerWayBack(address) {
    if (address) {
      element("return").href = address;
      element("return").hidden = false;
    }
    const cancel = element("cancel");
    if (cancel) {
      cancel.hidden = true;
    }
  }

  function leave(answer) {
    progress(answer.message || texts.paid);
    element("progress").focus();
    if (answer.return_url) {
      offerWayBack(answer.return_url);
      window.setTimeout(() => window.location.assign(answer.return_url), RETURN_AFTER_MS);
    }
  }

  // Paying.

  async function pay(source) {
    const body = { attempt: Number(main.dataset.attempt), device_data: gateway.deviceData, ...source };
    let message = texts.network;
    try {
      const answer = await ask("POST", "pay", body);
      if (answer.state !== "error") {
        return answer;
      }
      message = answer.message || texts.unknown;
    } catch {
      // The connection is lost.
    }
    // Nobody knows whether the payment was begun. The attempt's number keeps it from paying twice.
    progress(texts.checking);
    const answer = await askState();
    const lost = PAYABLE.includes(answer.state) && answer.attempt === body.attempt;
    return lost ? { ...answer, message } : answer;
  }

  /*
   * Pays; `authenticate` gives a new source. With data-authenticate the bank authenticates first, which most cards pass
   * unseen. An authentication that nobody could make is no reason to stop: the service decides whether it goes without.
   */
  async function payAuthenticated(source, authenticate) {
    let used = source;
    let authenticated = false;
    if (main.dataset.authenticate === "true") {
      try {
        used = await authenticate();
        authenticated = true;
      } catch (error) {
        if (!error.code || error.code === "THREEDS_CARDINAL_SDK_CANCELED") {
          throw error;
        }
      }
    }
    let answer = await pay(used);
    if (answer.authenticate && !authenticated) {
      main.dataset.attempt = answer.attempt;
      answer = await pay(await authenticate());
    }
    await follow(answer);
  }

  async function verify(nonce, bin) {
    if (!gateway.three) {
      gateway.three = await window.braintree.threeDSecure.create({ client: gateway.client, version: 2 });
    }
    const verified = await gateway.three.verifyCard({
      amount: main.dataset.amount,
      nonce,
      bin,
      onLookupComplete: (data, next) => next(),
    });
    progress(texts.paying);
    return verified;
  }

  async function payByCard() {
    const save = Boolean(element("save") && element("save").checked);
    const name = element("cardholder-name");
    const card = await gateway.hosted.tokenize(name && name.value ? { cardholderName: name.value } : {});
    await payAuthenticated({ nonce: card.nonce, save }, async () => {
      const { nonce } = await verify(card.nonce, card.details.bin);
      return { nonce, save };
    });
  }

  async function payByStored(id) {
    const chosen = document.querySelector("input[name=method]:checked");
    if (chosen.dataset.authenticate === "false") {
      await follow(await pay({ payment_method_id: id }));
      return;
    }
    await payAuthenticated({ payment_method_id: id }, async () => {
      const { nonce, bin } = await ask("POST", "method-nonce", { payment_method_id: id });
      const { threeDSecureInfo } = await verify(nonce, bin);
      // The stored method pays, with the authentication of its owner.
      return { payment_method_id: id, authentication_id: threeDSecureInfo.threeDSecureAuthenticationId || "" };
    });
  }

  async function submit(event) {
    event.preventDefault();
    if (busy || !PAYABLE.includes(main.dataset.state)) {
      return;
    }
    busy = true;
    const method = chosenMethod();
    if (method === "card" && !checkFields()) {
      busy = false;
      return;
    }
    show("paying");
    progress(texts.paying);
    try {
      await (method === "card" ? payByCard() : payByStored(method));
    } catch (error) {
      fail(error);
    }
  }

  /* Before anything was sent to be paid. */
  function fail(error, otherwise) {
    busy = false;
    show("open");
    const code = error.code || "";
    if (CONNECTION_ERRORS.includes(code)) {
      complain(texts.network);
    } else if (code.startsWith("HOSTED_FIELDS")) {
      complain(texts.card_refused);
    } else if (code.startsWith("THREEDS")) {
      complain(texts.not_authenticated);
    } else {
      complain(otherwise || texts.unknown);
    }
  }

  // The form.

  function chosenMethod() {
    const chosen = document.querySelector("input[name=method]:checked");
    return chosen ? chosen.value : "card";
  }

  function showChosenMethod() {
    element("card").hidden = main.dataset.card === "false" || chosenMethod() !== "card";
  }

  /* Names the faults of the card's fields, and leads to the first one. */
  function checkFields() {
    const { fields } = gateway.hosted.getState();
    const faulty = Object.keys(FIELDS).filter((field) => {
      const { isValid, isEmpty } = fields[field];
      complainOfField(field, isValid ? "" : isEmpty ? "empty" : "invalid");
      return !isValid;
    });
    if (faulty.length) {
      gateway.hosted.focus(faulty[0]);
    }
    return faulty.length === 0;
  }

  function fieldStyles() {
    const page = window.getComputedStyle(document.body);
    const muted = window.getComputedStyle(element("card"), "::before").color;
    return {
      input: { color: page.color, "font-size": "16px", "font-family": "system-ui, sans-serif", padding: "0 12px" },
      "::placeholder": { color: muted },
    };
  }

  async function openFields(client) {
    const field = (name, label, placeholder) =>
      ({ container: `#${FIELDS[name]}`, placeholder, internalLabel: texts[label], iframeTitle: texts[label] });
    gateway.hosted = await window.braintree.hostedFields.create({
      client,
      styles: fieldStyles(),
      fields: {
        number: field("number", "number_label", "1234 1234 1234 1234"),
        expirationDate: field("expirationDate", "expiry_label", texts.expiry_example),
        cvv: field("cvv", "cvv_label", "123"),
      },
    });
    gateway.hosted.on("blur", ({ emittedBy, fields }) => {
      const { isValid, isEmpty } = fields[emittedBy];
      complainOfField(emittedBy, isValid || isEmpty ? "" : "invalid");
    });
    gateway.hosted.on("validityChange", ({ emittedBy, fields }) => {
      const { isValid, isPotentiallyValid } = fields[emittedBy];
      complainOfField(emittedBy, isValid || isPotentiallyValid ? "" : "invalid");
    });
    gateway.hosted.on("inputSubmitRequest", () => element("payment").requestSubmit());
  }

  // Wallets.

  function offerWallet(button, payBy) {
    button.addEventListener("click", payBy);
    button.hidden = false;
    wallets.push(button);
  }

  // Apple Pay, in browsers that have it.

  async function offerApplePay(client) {
    const button = element("apple-pay");
    const { applePayWeb } = client.getConfiguration().gatewayConfiguration;
    if (!button || !applePayWeb || !window.ApplePaySession || !window.ApplePaySession.canMakePayments()) {
      return;
    }
    const applePay = await window.braintree.applePay.create({ client });
    offerWallet(button, () => payByApplePay(applePay));
  }

  function payByApplePay(applePay) {
    if (busy || !PAYABLE.includes(main.dataset.state)) {
      return;
    }
    const shop = document.title;
    const request = applePay.createPaymentRequest({ total: { label: shop, amount: main.dataset.amount } });
    const session = new window.ApplePaySession(3, request);
    session.onvalidatemerchant = (event) => {
      applePay.performValidation({ validationURL: event.validationURL, displayName: shop })
        .then((merchant) => session.completeMerchantValidation(merchant), () => session.abort());
    };
    session.onpaymentauthorized = async (event) => {
      busy = true;
      show("paying");
      progress(texts.paying);
      try {
        const { nonce } = await applePay.tokenize({ token: event.payment.token });
        const answer = await pay({ nonce, save: false });
        const refused = PAYABLE.includes(answer.state) || answer.state === "error";
        session.completePayment(refused ? session.STATUS_FAILURE || 1 : session.STATUS_SUCCESS || 0);
        await follow(answer);
      } catch (error) {
        session.completePayment(session.STATUS_FAILURE || 1);
        fail(error);
      }
    };
    session.begin();
  }

  // PayPal. The shopper approves the payment on PayPal's own page, which leads back here: no script of PayPal's is needed.

  function offerPayPal(client) {
    const button = element("paypal");
    if (!button || !client.getConfiguration().gatewayConfiguration.paypalEnabled) {
      return;
    }
    offerWallet(button, () => leaveForPayPal(client));
  }

  async function leaveForPayPal(client) {
    if (busy || !PAYABLE.includes(main.dataset.state)) {
      return;
    }
    busy = true;
    show("paying");
    progress(texts.to_paypal);
    try {
      const language = document.documentElement.lang;
      const address = (outcome) => `${window.location.origin}${path}?lang=${language}&paypal=${outcome}`;
      const { paymentResource } = await client.request({
        method: "post",
        endpoint: "paypal_hermes/create_payment_resource",
        data: {
          amount: main.dataset.amount,
          currencyIsoCode: main.dataset.currency,
          intent: PAYPAL_INTENT,
          returnUrl: address("approved"),
          cancelUrl: address("cancelled"),
          offerPaypalCredit: false,
          experienceProfile: { brandName: document.title, noShipping: "true", addressOverride: false },
        },
      });
      // A frame of the shop's page has no room for PayPal, and PayPal allows none.
      window.top.location.href = paymentResource.redirectUrl;
    } catch (error) {
      fail(error, texts.paypal_cancelled);
    }
  }

  /* The shopper is back from PayPal. The address keeps nothing of it, so that a reload does not begin again. */
  function takeReturn() {
    const query = new URLSearchParams(window.location.search);
    const outcome = query.get("paypal");
    if (outcome) {
      window.history.replaceState(null, "", `${path}?lang=${document.documentElement.lang}`);
    }
    return { outcome, token: query.get("token"), payment: query.get("paymentId"), payer: query.get("PayerID") };
  }

  async function payByPayPal({ token, payment, payer }) {
    try {
      const { paypalAccounts } = await gateway.client.request({
        method: "post",
        endpoint: "payment_methods/paypal_accounts",
        data: {
          paypalAccount: {
            correlationId: token,
            paymentToken: payment || token,
            payerId: payer,
            intent: PAYPAL_INTENT,
            unilateral: gateway.client.getConfiguration().gatewayConfiguration.paypal.unvettedMerchant,
          },
        },
      });
      await follow(await pay({ nonce: paypalAccounts[0].nonce, save: false }));
    } catch (error) {
      fail(error, texts.paypal_cancelled);
    }
  }

  // The start.

  async function open() {
    const returned = takeReturn();
    show("loading");
    const answer = await ask("POST", "client-token", {});
    if (!answer.client_token) {
      // It says why not: the checkout has just ended, cookies are off, or the service is busy.
      await follow(answer);
      return;
    }
    gateway.client = await window.braintree.client.create({ authorization: answer.client_token });
    if (main.dataset.card !== "false") {
      await openFields(gateway.client);
    }
    const collected = collectDeviceData();
    await offerApplePay(gateway.client);
    offerPayPal(gateway.client);
    show("open");
    if (element("pay").hidden && !wallets.length) {
      complain(texts.no_method);
    }
    if (returned.outcome === "approved" && element("paypal")) {
      busy = true;
      show("paying");
      progress(texts.paying);
      await Promise.race([collected, pause(LONGEST_COLLECTION_SECONDS)]);
      await payByPayPal(returned);
    } else if (returned.outcome) {
      complain(texts.paypal_cancelled);
    }
  }

  /* Tells the end of the checkout's time as it comes, also to a phone that slept meanwhile. The server's clock decides. */
  function watchExpiry() {
    const end = Date.now() + Number(main.dataset.secondsLeft) * 1000;
    const mayPay = () => !busy && PAYABLE.includes(main.dataset.state);
    let asking = false;
    const timer = window.setInterval(async () => {
      if (asking || !mayPay() || Date.now() < end) {
        return;
      }
      asking = true;
      const answer = await askState();
      asking = false;
      if (mayPay() && !PAYABLE.includes(answer.state)) {
        window.clearInterval(timer);
        await follow(answer);
      }
    }, EXPIRY_LOOK_MS);
  }

  /* Helps the gateway against fraud; a payment does without. */
  async function collectDeviceData() {
    try {
      const { deviceData } = await window.braintree.dataCollector.create({ client: gateway.client });
      gateway.deviceData = deviceData;
    } catch {
      // The collector is blocked.
    }
  }

  function begin() {
    const form = element("payment");
    if (!form) {
      return;
    }
    form.addEventListener("submit", submit);
    document.querySelectorAll("input[name=method]").forEach((radio) => {
      radio.addEventListener("change", showChosenMethod);
    });
    showChosenMethod();
    // A page that the back button brings back may be out of date.
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) {
        askState().then(follow);
      }
    });
    watchExpiry();
    if (main.dataset.state === "pending") {
      busy = true;
      askState().then(follow).then(openIfPayable);
      return;
    }
    openIfPayable();
  }

  /* Also after the payment that was under way when the page was loaded has failed: its message stays. */
  async function openIfPayable() {
    if (!PAYABLE.includes(main.dataset.state)) {
      return;
    }
    try {
      await open();
    } catch {
      show("failed");
      complain(texts.not_loaded);
    }
  }

  begin();
})();
