/*
 * The messages between a frame and the component on the shop's page, in the form of npm's framebus: a prefix and JSON,
 * with the component's id as the channel. Only the page around the frame is heard.
 */
const FRAMEBUS_PREFIX = "/*framebus*/";
const EVENT_PREFIX = "hosted-fields:";

class Bus {
  constructor(channel) {
    this._channel = channel;
    this._listeners = {};
    this._replies = {};
    window.addEventListener("message", (message) => this._receive(message));
  }

  /* The listener receives the data, and a function that replies if a reply is expected. */
  on(event, listener) {
    this._listeners[this._nameOf(event)] = listener;
  }

  emit(event, data, reply) {
    const message = { event: this._nameOf(event), origin: "*", eventData: data };
    if (reply) {
      message.reply = crypto.randomUUID();
      this._replies[message.reply] = reply;
    }
    window.parent.postMessage(FRAMEBUS_PREFIX + JSON.stringify(message), "*");
  }

  /* Emits to the page that embeds the frame, if the browser says which one it is: without a referrer, to nobody. */
  emitToReferrer(event, data) {
    if (document.referrer) {
      const origin = new URL(document.referrer).origin;
      const message = { event: this._nameOf(event), origin, eventData: data };
      window.parent.postMessage(FRAMEBUS_PREFIX + JSON.stringify(message), origin);
    }
  }

  _nameOf(event) {
    return `${this._channel}:${EVENT_PREFIX}${event}`;
  }

  _receive({ data, source, origin }) {
    if (source !== window.parent || typeof data !== "string" || !data.startsWith(FRAMEBUS_PREFIX)) {
      return;
    }
    const { event, eventData, reply } = JSON.parse(data.slice(FRAMEBUS_PREFIX.length));
    if (this._replies[event]) {
      const expected = this._replies[event];
      delete this._replies[event];
      expected(eventData);
      return;
    }
    const listener = this._listeners[event];
    if (listener) {
      listener(eventData, reply ? (answer) => this._reply(source, origin, reply, answer) : undefined);
    }
  }

  _reply(source, origin, event, eventData) {
    const message = { event, origin, eventData };
    source.postMessage(FRAMEBUS_PREFIX + JSON.stringify(message), origin === "null" ? "*" : origin);
  }
}
