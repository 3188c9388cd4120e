/* Card brands: the prefixes, lengths and gaps of their numbers, and the names of their security codes. */
const THREE_GAPS = [4, 8, 12];
const TWO_GAPS = [4, 10];

/* type, name, name and size of the security code, lengths, gaps, prefixes ("51-55" is a range) */
const BRANDS = [
  ["visa", "Visa", ["CVV", 3], [16, 18, 19], THREE_GAPS, "4"],
  ["master-card", "Mastercard", ["CVC", 3], [16], THREE_GAPS, "51-55 2221-2229 223-229 23-26 270-271 2720"],
  ["american-express", "American Express", ["CID", 4], [15], TWO_GAPS, "34 37"],
  ["diners-club", "Diners Club", ["CVV", 3], [14, 16, 19], TWO_GAPS, "300-305 36 38 39"],
  ["discover", "Discover", ["CID", 3], [16, 19], THREE_GAPS, "6011 644-649 65"],
  ["jcb", "JCB", ["CVV", 3], [16, 17, 18, 19], THREE_GAPS, "2131 1800 3528-3589"],
  ["unionpay", "UnionPay", ["CVN", 3], [14, 15, 16, 17, 18, 19], THREE_GAPS,
    "620 62100-62182 62184-62197 62200-62205 622010-622999 62207-62209 623-626 6270 6272 6276 627700-627779 " +
    "627781-627799 6282-6289 6291 6292 8100-8171"],
  ["maestro", "Maestro", ["CVC", 3], [12, 13, 14, 15, 16, 17, 18, 19], THREE_GAPS,
    "493698 500000-504174 504176-506698 506779-508999 56-59 63 67 6"],
  ["elo", "Elo", ["CVE", 3], [16], THREE_GAPS,
    "401178 401179 438935 457631 457632 431274 451416 457393 504175 506699-506778 509000-509999 627780 636297 " +
    "636368 650031-650033 650035-650051 650405-650439 650485-650538 650541-650598 650700-650718 650720-650727 " +
    "650901-650978 651652-651679 655000-655019 655021-655058"],
  ["mir", "Mir", ["CVP2", 3], [16, 17, 18, 19], THREE_GAPS, "2200-2204"],
  ["hiper", "Hiper", ["CVC", 3], [16], THREE_GAPS, "637095 63737423 63743358 637568 637599 637609 637612"],
  ["hipercard", "Hipercard", ["CVC", 3], [16], THREE_GAPS, "606282"],
].map(([type, niceType, [name, size], lengths, gaps, prefixes]) => ({
  card: { type, niceType, code: { name, size }, lengths, gaps },
  ranges: prefixes.split(" ").map((range) => {
    const [first, last] = range.split("-");
    return { first, last: last || first };
  }),
}));

/* How many digits of a prefix the number has if it matches; 0 while it could still match, -1 if it cannot. */
function strengthOf(number, { first, last }) {
  const compared = Math.min(first.length, number.length);
  const start = number.slice(0, compared);
  if (start < first.slice(0, compared) || start > last.slice(0, compared)) {
    return -1;
  }
  return number.length < first.length ? 0 : first.length;
}

/* The cards that a number may become: one as soon as it is decided, all of them for no digits, none for an impossible start. */
function possibleCards(number) {
  if (!/^\d*$/.test(number)) {
    return [];
  }
  const matching = BRANDS.map(({ card, ranges }) => ({
    card,
    strength: Math.max(...ranges.map((range) => strengthOf(number, range))),
  })).filter(({ strength }) => strength >= 0);
  const decided = number !== "" && matching.length > 0 && matching.every(({ strength }) => strength > 0);
  const best = decided
    ? [matching.reduce((left, right) => (right.strength > left.strength ? right : left))]
    : matching;
  return best.map(({ card }) => card);
}

function plainName(name) {
  return name.toLowerCase().replace(/[^a-z]/g, "");
}

/* Whether the merchant takes this card: by the field's supportedCardBrands, and otherwise by the gateway's list of names. */
function isSupported(card, options, accepted) {
  const overrides = options.supportedCardBrands || {};
  const own = Object.keys(overrides).find((name) => plainName(name) === plainName(card.type));
  if (own !== undefined) {
    return Boolean(overrides[own]);
  }
  return !accepted || accepted.some((name) => plainName(name) === plainName(card.type));
}
