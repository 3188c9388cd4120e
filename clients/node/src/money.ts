/** Exact amounts from the decimals that people write, and back. */
import type { Money } from './generated/contract';

// Digits after the decimal point where they are not two (ISO 4217:2015).
const NO_DIGITS = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF'.split(' ');
const THREE_DIGITS = 'BHD IQD JOD KWD LYD OMR TND'.split(' ');

/**
 * The exact amount of a decimal such as "25.00" of an ISO 4217 currency such as "USD".
 *
 * Throws TypeError for a number, which is not exact; RangeError for text that is no plain decimal, has more digits than
 * the currency (zeros at the end apart), is too large, or no currency code. For minor units as they are, write
 * `{ minorUnits: 2500, currencyCode: 'USD' }`.
 */
export function money(amount: string, currencyCode: string): Money {
  if (typeof amount !== 'string') {
    throw new TypeError(`An amount is text, for example money("25.00", "USD"), not a ${typeof amount}.`);
  }
  const digits = digitsOf(currencyCode);
  const parts = /^([0-9]+)(?:\.([0-9]+))?$/.exec(amount);
  if (!parts || amount.endsWith('\n')) {
    throw new RangeError(`${JSON.stringify(amount)} is no amount. Write digits and a point, for example "1000.50".`);
  }
  const fraction = (parts[2] ?? '').replace(/0+$/, '');
  if (fraction.length > digits) {
    throw new RangeError(`${amount} is too precise: ${currencyCode} has ${digits} digits after the point.`);
  }
  const minorUnits = Number(parts[1] + fraction.padEnd(digits, '0'));
  if (!Number.isSafeInteger(minorUnits)) throw new RangeError('The amount is too large.');
  return { minorUnits, currencyCode };
}

/** `USD 25.00`, with the currency's own number of digits. Empty for an amount that is absent. */
export function formatMoney(amount: Money | undefined): string {
  if (amount === undefined) return '';
  const digits = digitsOf(amount.currencyCode);
  if (!Number.isSafeInteger(amount.minorUnits)) throw new RangeError(`${amount.minorUnits} is no exact amount.`);
  const text = String(Math.abs(amount.minorUnits)).padStart(digits + 1, '0');
  const cut = text.length - digits;
  const sign = amount.minorUnits < 0 ? '-' : '';
  return `${amount.currencyCode} ${sign}${text.slice(0, cut)}${digits ? '.' : ''}${text.slice(cut)}`;
}

function digitsOf(currencyCode: string): number {
  if (typeof currencyCode !== 'string' || !/^[A-Z]{3}$/.test(currencyCode) || currencyCode.length !== 3) {
    throw new RangeError(`${JSON.stringify(currencyCode)} is no currency. Write its ISO 4217 code, for example "USD".`);
  }
  if (NO_DIGITS.includes(currencyCode)) return 0;
  return THREE_DIGITS.includes(currencyCode) ? 3 : 2;
}
