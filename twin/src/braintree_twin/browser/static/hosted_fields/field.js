/* One field in its frame: the input, its label and message, and its looks. */
const FIELDS = {
  cardholderName: { name: "cardholder-name", label: "Cardholder Name", autocomplete: "cc-name" },
  number: { name: "credit-card-number", label: "Credit Card Number", autocomplete: "cc-number", numeric: true },
  cvv: { name: "cvv", label: "CVV", autocomplete: "cc-csc", numeric: true },
  expirationDate: { name: "expiration", label: "Expiration Date", autocomplete: "cc-exp", numeric: true },
  expirationMonth: {
    name: "expiration-month", label: "Expiration Month", autocomplete: "cc-exp-month", numeric: true },
  expirationYear: { name: "expiration-year", label: "Expiration Year", autocomplete: "cc-exp-year", numeric: true },
  postalCode: { name: "postal-code", label: "Postal Code", autocomplete: "billing postal-code" },
};
const MAX_LENGTHS = { expirationMonth: 2, expirationYear: 4, postalCode: 10, cardholderName: 255 };

class Field {
  constructor(key, form, document) {
    this.key = key;
    this.form = form;
    this.options = form.optionsOf(key);
    this._document = document;
    this._shownVerdict = null;
    this.input = this._createInput();
    this._addLabel();
    this._listen();
    form.watch(() => this.render());
    this.prefill();
    this.render();
  }

  setValueFromText(text, deleting = false) {
    const value = this._readText(text);
    this.form.setValue(this.key, value);
    const shown = this._writeValue(deleting);
    if (shown !== this.input.value) {
      this._show(shown);
    }
  }

  prefill() {
    if (this.options.prefill) {
      this.setValueFromText(String(this.options.prefill));
    } else if (this.options.select && !this.options.placeholder) {
      this.setValueFromText(this.input.value);
    }
  }

  clear() {
    this.form.setValue(this.key, "");
    this.input.value = "";
  }

  setAttribute(name, value) {
    if (name === "disabled") {
      this.input.disabled = String(value) === "true";
    } else {
      this.input.setAttribute(name, value);
    }
  }

  removeAttribute(name) {
    this.input.removeAttribute(name);
  }

  setMessage(message) {
    this._document.getElementById("message").textContent = message || "";
  }

  setMonthNames(names) {
    [...this.input.options].filter((option) => option.value).forEach((option, place) => {
      option.textContent = names[place] === undefined ? option.textContent : names[place];
    });
  }

  render() {
    const { isValid, isPotentiallyValid, isFocused } = this.form.states[this.key];
    const isInvalid = !isPotentiallyValid || this.form.refused.has(this.key);
    this.input.classList.toggle("valid", isValid);
    this.input.classList.toggle("invalid", isInvalid);
    this.input.classList.toggle("focused", isFocused);
    if (this._shownVerdict !== isInvalid) {
      this._shownVerdict = isInvalid;
      this.input.setAttribute("aria-invalid", String(isInvalid));
    }
    if (this.key === "cvv" && this._isText()) {
      this.input.maxLength = Math.max(...this.form.cvvSizes());
    }
    const mask = this.options.maskInput;
    if (mask && !isFocused) {
      this.input.value = maskText(this._writeValue(false), mask === true ? {} : mask);
    }
  }

  _createInput() {
    const { name, autocomplete, numeric } = FIELDS[this.key];
    const input = this._document.createElement(this.options.select ? "select" : "input");
    input.id = input.name = name;
    input.className = this.key;
    input.setAttribute("aria-describedby", "message");
    input.setAttribute("autocomplete", this.form.configuration.preventAutofill ? "off" : autocomplete);
    if (this.options.select) {
      this._addOptions(input);
    } else {
      input.type = this.options.type || "text";
      input.placeholder = this.options.placeholder || "";
      input.spellcheck = false;
      if (numeric) {
        input.inputMode = "numeric";
        input.pattern = this.key === "expirationDate" ? "[0-9 /]*" : "[0-9 ]*";
      }
      const longest = this.options.maxlength || MAX_LENGTHS[this.key];
      if (longest) {
        input.maxLength = longest;
      }
    }
    this._document.getElementById("field").appendChild(input);
    return input;
  }

  _addOptions(select) {
    const today = new Date();
    const ofMonth = this.key === "expirationMonth";
    const first = ofMonth ? 1 : today.getFullYear();
    const names = (this.options.select.options || []);
    if (this.options.placeholder) {
      select.add(new Option(this.options.placeholder, ""));
    }
    for (let place = 0; place < (ofMonth ? 12 : YEARS_AHEAD + 1); place += 1) {
      const value = String(first + place).padStart(2, "0");
      select.add(new Option((ofMonth && names[place]) || value, value));
    }
    if (!this.options.placeholder) {
      select.selectedIndex = ofMonth ? today.getMonth() : 0;
    }
  }

  _addLabel() {
    const label = this._document.getElementById("label");
    label.htmlFor = this.input.id;
    label.textContent = this.options.internalLabel || FIELDS[this.key].label;
    this._document.title = label.textContent;
  }

  _listen() {
    this.input.addEventListener("focus", () => this._focused());
    this.input.addEventListener("blur", () => this.form.setFocused(this.key, false));
    this.input.addEventListener("input", (event) => this._entered(event));
    this.input.addEventListener("change", () => this.setValueFromText(this.input.value));
    this.input.addEventListener("keydown", (event) => this._pressed(event));
  }

  _focused() {
    if (this.options.maskInput) {
      this.input.value = this._writeValue(false);
    }
    this.form.setFocused(this.key, true);
  }

  _entered(event) {
    const deleting = Boolean(event.inputType) && event.inputType.startsWith("delete");
    this.setValueFromText(this.input.value, deleting);
  }

  _pressed(event) {
    if (event.key === "Enter") {
      event.preventDefault();
      this.form.requestSubmit(this.key);
    }
    if ((event.key === "Backspace" || event.key === "Delete") && this._isFormatted()) {
      this._skipSeparator(event.key === "Backspace" ? -1 : 1);
    }
  }

  /* Deletes the digit beyond a separator, which would be put back at once if it were deleted alone. */
  _skipSeparator(step) {
    const { selectionStart, selectionEnd, value } = this.input;
    if (selectionStart !== selectionEnd) {
      return;
    }
    let place = selectionStart;
    while (/[^\d]/.test(value[step < 0 ? place - 1 : place] || "0")) {
      place += step;
    }
    this.input.setSelectionRange(place, place);
  }

  _isText() {
    return this.input.tagName === "INPUT" && ["text", "tel", "password"].includes(this.input.type);
  }

  _isFormatted() {
    return this._isText() && this.options.formatInput !== false && ["number", "expirationDate"].includes(this.key);
  }

  _readText(text) {
    if (!this._isFormatted()) {
      return this.key === "number" ? text.replace(/[\s-]/g, "") : text;
    }
    if (this.key === "number") {
      return this._firstDigits(digitsOf(text));
    }
    const { month, year } = readExpiry(text);
    return year ? `${month}/${year}` : month;
  }

  /* As many digits as a card of this brand has. The brand is known only once the first digits are. */
  _firstDigits(digits) {
    const cards = possibleCards(digits);
    const longest = cards.length ? Math.max(...cards.flatMap((card) => card.lengths)) : LONGEST_NUMBER;
    return digits.slice(0, Math.min(longest, this.options.maxCardLength || longest));
  }

  _writeValue(deleting) {
    const value = this.form.values[this.key];
    if (!this._isFormatted()) {
      return this.key === "number" && this._isText() && this.input.value.replace(/[\s-]/g, "") === value
        ? this.input.value
        : value;
    }
    if (this.key === "expirationDate") {
      return writeExpiry(readExpiry(value), { open: deleting });
    }
    const cards = this.form.cards();
    return groupNumber(value, cards.length === 1 ? cards[0].gaps : THREE_GAPS);
  }

  /* Shows the text with the caret behind the same digit as before. */
  _show(text) {
    if (!this._isFormatted() || this._document.activeElement !== this.input) {
      this.input.value = text;
      return;
    }
    const before = this.input.value;
    const start = this.input.selectionStart;
    const atEnd = start === before.length;
    const digits = digitsOf(before.slice(0, start)).length;
    this.input.value = text;
    const place = atEnd ? text.length : placeAfter(text, digits);
    this.input.setSelectionRange(place, place);
  }
}
