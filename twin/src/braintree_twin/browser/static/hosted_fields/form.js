/*
 * The card form: the values of all fields, which never leave the gateway's frames, and the events that the shop's page
 * receives about them. It lives in one of the frames; the others reach it as frames of one origin do.
 */
const DEFAULT_BIN_LENGTH = 6;
const LONGEST_NUMBER = 19;
const EXPIRIES = ["expirationDate", "expirationMonth", "expirationYear"];

class CardForm {
  constructor(configuration, emit) {
    this.configuration = configuration;
    this.accepted = null;
    this.values = {};
    this.states = {};
    this.refused = new Set();
    this.keys = Object.keys(configuration.fields);
    this._emit = emit;
    this._begun = false;
    this._bin = "";
    this._watchers = [];
    this.keys.forEach((key) => {
      this.values[key] = "";
      this.states[key] = { isEmpty: true, isFocused: false, ...UNFINISHED };
    });
    this._types = this._typesOf(this.cards());
  }

  /* Calls the watcher after every change. */
  watch(watcher) {
    this._watchers.push(watcher);
  }

  optionsOf(key) {
    return this.configuration.fields[key] || {};
  }

  has(key) {
    return this.keys.includes(key);
  }

  cards() {
    return possibleCards(this.values.number || "");
  }

  /* The longest number that the possible cards and the option maxCardLength allow. */
  longestNumber() {
    const cards = this.cards();
    const longest = cards.length ? Math.max(...cards.flatMap((card) => card.lengths)) : LONGEST_NUMBER;
    return Math.min(longest, this.optionsOf("number").maxCardLength || longest);
  }

  cvvSizes() {
    const sizes = this.has("number") ? this.cards().map((card) => card.code.size) : [];
    const allowed = sizes.length ? sizes : [3, 4];
    const longest = this.optionsOf("cvv").maxlength || 4;
    return allowed.map((size) => Math.min(size, longest));
  }

  setValue(key, value) {
    if (value === this.values[key]) {
      return;
    }
    this.values[key] = value;
    this.refused.delete(key);
    if (!this._begun) {
      this._begun = true;
      this._emit("CARD_FORM_ENTRY_HAS_BEGUN");
    }
    this._update(key);
  }

  setFocused(key, isFocused) {
    if (this.states[key].isFocused !== isFocused) {
      this.states[key].isFocused = isFocused;
      this._tell(isFocused ? "focus" : "blur", key);
      this._changed();
    }
  }

  requestSubmit(key) {
    this._tell("inputSubmitRequest", key);
  }

  /* Marks fields as invalid until they change, though more digits could make them valid: they were to be tokenized. */
  refuse(keys) {
    keys.forEach((key) => this.refused.add(key));
    this._changed();
  }

  /* The brands that the gateway's configuration accepts, once it is known. */
  setAccepted(names) {
    this.accepted = names;
    if (this.has("number")) {
      this._update("number");
    }
  }

  expiry() {
    if (this.has("expirationDate")) {
      return readExpiry(this.values.expirationDate);
    }
    return { month: this.values.expirationMonth || "", year: this.values.expirationYear || "" };
  }

  _update(key) {
    const isEmpty = this.values[key] === "";
    const wasEmpty = this.states[key].isEmpty;
    this.states[key].isEmpty = isEmpty;
    if (isEmpty !== wasEmpty) {
      this._tell(isEmpty ? "empty" : "notEmpty", key);
    }
    const cards = this.cards();
    const types = this._typesOf(cards);
    const typesChanged = types !== this._types;
    this._types = types;
    this._revalidate(key);
    if (typesChanged) {
      this._tell("cardTypeChange", "number");
    }
    if (key === "number") {
      this._tellBin();
    }
    this._changed();
  }

  /* The changed field, and those whose validity depends on it. */
  _revalidate(key) {
    const dependent = key === "number" ? ["cvv"] : EXPIRIES.includes(key) ? EXPIRIES : [];
    [key, ...dependent.filter((other) => other !== key && this.has(other))].forEach((each) => {
      const state = this.states[each];
      const verdict = this._verdict(each);
      const changed = state.isValid !== verdict.isValid || state.isPotentiallyValid !== verdict.isPotentiallyValid;
      Object.assign(state, verdict);
      if (changed) {
        this._tell("validityChange", each);
      }
    });
  }

  _verdict(key) {
    const value = this.values[key];
    const options = this.optionsOf(key);
    const today = new Date();
    const { month, year } = this.expiry();
    switch (key) {
      case "number":
        return this._numberVerdict(value, options);
      case "cvv":
        return validateCvv(value, this.cvvSizes(), this.has("number") ? 0 : options.minlength || 3);
      case "expirationDate":
        return validateExpiry({ month, year }, today);
      case "expirationMonth":
        return validateYear(year, today).isValid && validateMonth(month).isValid
          ? (isPast(month, year, today) ? INVALID : VALID)
          : validateMonth(month);
      case "expirationYear":
        return validateYear(year, today);
      case "postalCode":
        return validatePostalCode(value, options.minlength || 3);
      default:
        return validateName(value);
    }
  }

  _numberVerdict(number, options) {
    const cards = this.cards();
    const limited = options.rejectUnsupportedCards || options.supportedCardBrands;
    if (limited && !cards.some((card) => isSupported(card, options, this.accepted))) {
      return INVALID;
    }
    return validateNumber(number, cards, this.longestNumber());
  }

  _typesOf(cards) {
    return cards.map((card) => card.type).join(" ");
  }

  /* The first digits, as soon as they are there; to the shop's page alone. */
  _tellBin() {
    const length = this.configuration.binVerificationLength || DEFAULT_BIN_LENGTH;
    const number = this.values.number;
    const bin = number.length >= length ? number.slice(0, length) : "";
    if (bin && bin !== this._bin) {
      this._emit("BIN_AVAILABLE", bin);
    }
    this._bin = bin;
  }

  _tell(type, emittedBy) {
    const options = this.optionsOf("number");
    const cards = this.cards().map((card) => ({ ...card, supported: isSupported(card, options, this.accepted) }));
    const fields = Object.fromEntries(this.keys.map((key) => [key, { ...this.states[key] }]));
    this._emit("INPUT_EVENT", { type, merchantPayload: { cards, emittedBy, fields } });
  }

  _changed() {
    this._watchers.forEach((watcher) => watcher());
  }
}
