/* How a value looks in its input, and which value an input's text stands for. */
const EXPIRY_SEPARATOR = " / ";

function digitsOf(text) {
  return text.replace(/\D/g, "");
}

function groupNumber(number, gaps) {
  return [...number].map((digit, place) => (gaps.includes(place) ? ` ${digit}` : digit)).join("");
}

/* Month and year of a text such as 4/30, 04 / 2030, 0430, 042030 or 2030-04. */
function readExpiry(text) {
  const isoMonth = /^(\d{4})-(\d{1,2})$/.exec(text.trim());
  if (isoMonth) {
    return { month: isoMonth[2].padStart(2, "0"), year: isoMonth[1] };
  }
  const parts = /^\s*(\d{1,2})\s*[/\s-]\s*(\d*)\s*$/.exec(text);
  if (parts) {
    return { month: parts[1] === "0" ? "0" : parts[1].padStart(2, "0"), year: parts[2].slice(0, 4) };
  }
  const digits = digitsOf(text);
  const whole = /^[2-9]/.test(digits) ? `0${digits}` : digits;
  return { month: whole.slice(0, 2), year: whole.slice(2, 6) };
}

/* `open` leaves the separator off while the text is being deleted. */
function writeExpiry({ month, year }, { open }) {
  return year || (month.length === 2 && !open) ? month + EXPIRY_SEPARATOR + year : month;
}

function maskText(text, { character = "\u2022", showLastFour = false }) {
  const shown = showLastFour ? 4 : 0;
  const total = text.replace(/\s/g, "").length;
  let seen = 0;
  return text.replace(/\S/g, (one) => {
    seen += 1;
    return seen > total - shown ? one : character;
  });
}

/* The place in a text after so many of its digits. */
function placeAfter(text, digits) {
  let place = 0;
  let seen = 0;
  while (seen < digits && place < text.length) {
    seen += /\d/.test(text[place]) ? 1 : 0;
    place += 1;
  }
  return place;
}
