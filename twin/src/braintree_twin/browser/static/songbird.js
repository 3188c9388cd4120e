/*
 * Stands in for Cardinal's script of the same name, as far as braintree-web uses it: window.Cardinal with its events,
 * a device session, and the challenge in a frame. The challenge's page is the twin's own (browser/challenge.py).
 */
(function () {
  "use strict";

  var listeners = {};
  var options = { payment: {} };
  var challenge = null;

  function listenersOf(event) {
    listeners[event] = listeners[event] || [];
    return listeners[event];
  }

  function emit(event) {
    var given = Array.prototype.slice.call(arguments, 1);
    listenersOf(event).slice().forEach(function (listener) { listener.apply(null, given); });
  }

  function session() {
    return "0_" + window.crypto.randomUUID();
  }

  function element(name, style) {
    var made = document.createElement(name);
    made.style.cssText = style;
    return made;
  }

  function frameOf(url) {
    var frame = element("iframe", "border:0;width:100%;height:100%;min-width:300px;min-height:360px");
    frame.src = url;
    frame.name = "braintree-twin-challenge";
    frame.title = "3D Secure challenge";
    frame.onload = function () {
      if (!challenge) { return; }
      challenge.isLoaded = true;
      if (challenge.isLeft) { cancel(); }
    };
    return frame;
  }

  function cancel() {
    // A page that still loads would take the place of the answer to this one.
    challenge.isLeft = !challenge.isLoaded;
    if (challenge.isLeft) { return; }
    var form = element("form", "display:none");
    var answer = element("input", "");
    form.method = "post";
    form.action = challenge.url;
    form.target = challenge.frame.name;
    answer.name = "answer";
    answer.value = "cancel";
    form.appendChild(answer);
    document.body.appendChild(form);
    form.submit();
    form.remove();
  }

  function showModal(frame) {
    var modal = element("div", "position:fixed;inset:0;z-index:999999;background:rgba(0,0,0,.6)");
    var box = element("div", "position:absolute;top:50%;left:50%;transform:translate(-50%,-50%);background:#fff;" +
      "width:400px;max-width:95%;height:420px;padding:12px");
    modal.setAttribute("data-braintree-twin", "challenge");
    if (options.payment.displayExitButton) {
      var exit = element("button", "position:absolute;top:4px;right:4px");
      exit.textContent = "\u00d7";
      exit.setAttribute("aria-label", "Close");
      exit.onclick = cancel;
      box.appendChild(exit);
    }
    box.appendChild(frame);
    modal.appendChild(box);
    document.body.appendChild(modal);
    challenge.shown = modal;
    emit("ui.render");
  }

  // The shop puts the element on its page itself: the event has a template, and a function to call once it is there.
  function showInline(url) {
    var template = "<iframe src=\"" + encodeURI(url) + "\" name=\"braintree-twin-challenge\" " +
      "title=\"3D Secure challenge\" width=\"400\" height=\"400\" style=\"border:0\"></iframe>";
    emit("ui.inline.setup", template, { paymentType: "CCA", data: { mode: "static" } }, function () {
      challenge.frame = document.querySelector("iframe[name=braintree-twin-challenge]");
      challenge.shown = challenge.frame && challenge.frame.parentNode;
      emit("ui.render");
    }, function () {
      finish(failure(10006, "The frame was not shown."), "");
    });
  }

  function failure(number, description) {
    return { Validated: false, ActionCode: "ERROR", ErrorNumber: number, ErrorDescription: description, Payment: {} };
  }

  function finish(data, jwt) {
    if (challenge && challenge.shown) {
      challenge.shown.remove();
      emit("ui.close");
    }
    challenge = null;
    emit("payments.validated", data, jwt);
  }

  window.addEventListener("message", function (event) {
    var message = event.data;
    if (!challenge || !message || message.source !== "braintree-twin") { return; }
    if (!challenge.frame || event.source !== challenge.frame.contentWindow) { return; }
    if (message.transactionId === challenge.transactionId) { finish(message.data, message.jwt); }
  });

  window.Cardinal = {
    on: function (event, listener) { listenersOf(event).push(listener); },
    off: function (event) { listeners[event] = []; },
    configure: function (given) {
      options = given || {};
      options.payment = options.payment || {};
    },
    setup: function (type, given) {
      if (!given || !given.jwt) {
        finish(failure(10005, "There is no JWT."), "");
        return;
      }
      window.setTimeout(function () {
        emit("payments.setupComplete", { sessionId: session(), modules: [{ module: "CCA", loaded: true }] });
      }, 0);
    },
    trigger: function () { return Promise.resolve({ Status: true }); },
    continue: function (type, given, order) {
      var transactionId = order.OrderDetails.TransactionId;
      challenge = { url: given.AcsUrl, transactionId: transactionId, frame: null, shown: null };
      emit("ui.loading.render");
      emit("ui.loading.close");
      if (options.payment.framework === "inline") {
        showInline(given.AcsUrl);
        return;
      }
      challenge.frame = frameOf(given.AcsUrl);
      showModal(challenge.frame);
    },
  };
})();
