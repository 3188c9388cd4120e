/* Starts a frame: it reports to the component; the frame that is answered creates the form, and starts the others. */
const FRAME_NAME = "braintree-hosted-field-";
const channel = window.location.hash.slice(1);
const key = window.name.replace(FRAME_NAME, "");
const bus = new Bus(channel);

/* Called by the frame with the form, which is of the same origin. */
function start(form) {
  applyStyles(form.configuration.styles);
  const field = new Field(key, form, document);
  const forThisField = (handle) => (data) => {
    if (data.field === key) {
      handle(data);
    }
  };
  addFocusIntercepts(field, channel, bus);
  bus.on("TRIGGER_INPUT_FOCUS", forThisField(() => field.input.focus()));
  bus.on("SET_ATTRIBUTE", forThisField(({ attribute, value }) => field.setAttribute(attribute, value)));
  bus.on("REMOVE_ATTRIBUTE", forThisField(({ attribute }) => field.removeAttribute(attribute)));
  bus.on("ADD_CLASS", forThisField(({ classname }) => field.input.classList.add(...classname.split(/\s+/))));
  bus.on("REMOVE_CLASS", forThisField(({ classname }) => field.input.classList.remove(...classname.split(/\s+/))));
  bus.on("SET_MESSAGE", forThisField(({ message }) => field.setMessage(message)));
  bus.on("CLEAR_FIELD", forThisField(() => field.clear()));
  bus.on("SET_MONTH_OPTIONS", (names, reply) => {
    if (key === "expirationMonth") {
      field.setMonthNames(names);
      reply();
    }
  });
}

/* The frames of this component, by the name and the fragment that it gives them. Frames of other origins throw. */
function framesOfComponent() {
  return Array.from({ length: window.parent.frames.length }, (_, place) => window.parent.frames[place]).filter((frame) => {
    try {
      return frame.name.startsWith(FRAME_NAME) && frame.location.hash === window.location.hash;
    } catch {
      return false;
    }
  });
}

function createForm(configuration) {
  const form = new CardForm(configuration, (event, data) => {
    if (event === "BIN_AVAILABLE") {
      bus.emitToReferrer(event, data);
    } else {
      bus.emit(event, data);
    }
  });
  const client = new Promise((resolve) => {
    bus.emit("READY_FOR_CLIENT", undefined, resolve);
  });
  client.then(({ gatewayConfiguration }) => form.setAccepted(gatewayConfiguration.creditCards.supportedCardTypes));
  bus.on("TOKENIZATION_REQUEST", (options, reply) => {
    tokenize(form, client, options || {}).then(reply);
  });
  framesOfComponent().forEach((frame) => frame.hostedField.start(form));
}

window.hostedField = { start };
bus.emit("FRAME_READY", { field: key }, createForm);
