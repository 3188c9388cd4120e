/* Whether a value is valid, and whether more digits could make it so. */
const YEARS_AHEAD = 19;
const VALID = { isValid: true, isPotentiallyValid: true };
const UNFINISHED = { isValid: false, isPotentiallyValid: true };
const INVALID = { isValid: false, isPotentiallyValid: false };

function passesLuhn(number) {
  const sum = [...number].reverse().reduce((total, digit, place) => {
    const weighed = Number(digit) * (place % 2 ? 2 : 1);
    return total + (weighed > 9 ? weighed - 9 : weighed);
  }, 0);
  return sum % 10 === 0;
}

function validateNumber(number, cards, longest) {
  if (!/^\d*$/.test(number) || cards.length === 0) {
    return INVALID;
  }
  if (cards.length > 1) {
    return UNFINISHED;
  }
  const complete = cards[0].lengths.includes(number.length) && number.length <= longest;
  if (complete && passesLuhn(number)) {
    return VALID;
  }
  return number.length < longest ? UNFINISHED : INVALID;
}

function validateCvv(cvv, sizes, shortest) {
  if (!/^\d*$/.test(cvv) || cvv.length > Math.max(...sizes)) {
    return INVALID;
  }
  return sizes.includes(cvv.length) && cvv.length >= shortest ? VALID : UNFINISHED;
}

function validateMonth(month) {
  if (/^[01]?$/.test(month)) {
    return UNFINISHED;
  }
  return /^\d{1,2}$/.test(month) && Number(month) >= 1 && Number(month) <= 12 ? VALID : INVALID;
}

/* A year of two or four digits, from the current one on. */
function validateYear(year, today) {
  const current = today.getFullYear();
  const century = String(current).slice(0, 2);
  if (!/^\d{0,4}$/.test(year)) {
    return INVALID;
  }
  if (year.length < 2 || year === century) {
    return UNFINISHED;
  }
  if (year.length === 3) {
    return year.startsWith(century) ? UNFINISHED : INVALID;
  }
  const full = fullYear(year, today);
  return full >= current && full <= current + YEARS_AHEAD ? VALID : INVALID;
}

function fullYear(year, today) {
  return Number(year.length === 2 ? String(today.getFullYear()).slice(0, 2) + year : year);
}

function isPast(month, year, today) {
  return fullYear(year, today) === today.getFullYear() && Number(month) < today.getMonth() + 1;
}

function validateExpiry({ month, year }, today) {
  const validMonth = validateMonth(month);
  const validYear = validateYear(year, today);
  if (validMonth.isValid && validYear.isValid) {
    return isPast(month, year, today) ? INVALID : VALID;
  }
  return validMonth.isPotentiallyValid && validYear.isPotentiallyValid ? UNFINISHED : INVALID;
}

function validatePostalCode(code, shortest) {
  return code.length >= shortest && /^[a-z0-9][a-z0-9 -]*$/i.test(code) ? VALID : UNFINISHED;
}

/* A number in the place of a name is most likely a card's. */
function validateName(name) {
  if (name.length > 255) {
    return INVALID;
  }
  return name.trim() === "" || /^[\d\s-]*$/.test(name) ? UNFINISHED : VALID;
}
