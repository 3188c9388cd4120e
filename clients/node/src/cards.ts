/** A card on its way to the service, which no log can repeat. */
import { inspect } from 'node:util';
import type { Card } from './generated/contract';

/**
 * A card as its holder typed it. Unlike a plain object, it shows nothing of itself to console.log, JSON.stringify and
 * Object.keys.
 */
export function card(fields: Card): Card {
  if (typeof fields !== 'object' || fields === null) {
    throw new TypeError('A card is an object: card({ number, expirationMonth, expirationYear, cvv }).');
  }
  const hidden = Object.create(HIDDEN) as object;
  for (const [name, value] of Object.entries(fields)) Object.defineProperty(hidden, name, { value, enumerable: false });
  return Object.freeze(hidden) as Card;
}

const HIDDEN = {
  toString: () => 'card (hidden)',
  toJSON: () => 'card (hidden)',
  [inspect.custom]: () => 'card (hidden)',
};
