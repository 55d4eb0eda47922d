// How things are told: in the viewer's language and time zone, money with its currency, states in words.

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const plain = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

export const time = (iso) => (iso ? moment.format(new Date(iso)) : '–');
export const precise = (iso) => (iso ? exact.format(new Date(iso)) : '–');

/** A plain date is the same day everywhere. */
export const day = (date) => (/^\d{4}-\d\d-\d\d$/.test(date) ? plain.format(new Date(date)) : date);

export function ago(iso) {
  if (!iso) return 'never';
  const seconds = (new Date(iso) - Date.now()) / 1000;
  for (const [unit, size] of [['day', 86400], ['hour', 3600], ['minute', 60]]) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return seconds > 0 ? 'within a minute' : 'just now';
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return '–';
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}

/** Amounts come as decimal text and stay exact: only the grouping and the currency are added. */
export function money(amount, currency) {
  if (amount === '' || amount === null || amount === undefined) return '–';
  try {
    return new Intl.NumberFormat(undefined, { style: 'currency', currency: currency || 'USD', currencyDisplay: 'code' })
      .format(amount);
  } catch {
    return `${amount} ${currency ?? ''}`;
  }
}

/** "1 document", "3 documents". */
export const count = (n, noun) => `${n} ${noun}${n === 1 ? '' : 's'}`;

const KINDS = { order: 'Order', shipment: 'Shipment advice', invoice: 'Invoice', bill: 'Bill', asn: 'Shipment (ASN)',
  ack: 'Acknowledgement', credit: 'Credit note', close_out: 'Close-out of bill', notice: 'Notice', file: 'File' };
export const kind = (type) => KINDS[type] ?? type[0].toUpperCase() + type.slice(1).replaceAll('_', ' ');

const STATES = {
  RECEIVED: ['Received', 'new'], MAPPED: ['Ready to send', 'new'], CLAIMED: ['Being sent', 'new'],
  IN_DOUBT: ['Being checked', 'warn'], HELD: ['Held', 'warn'], REJECTED: ['Refused', 'bad'],
  DELIVERED: ['Delivered', 'good'], PICKED_UP: ['Picked up', 'good'], SKIPPED: ['Closed', ''],
  CANCELLED: ['Cancelled', ''], SUPERSEDED: ['Replaced', ''],
};
export const stateWords = (state) => STATES[state]?.[0] ?? state;
export const stateTone = (state) => STATES[state]?.[1] ?? '';

/** Who has to act next, in a few words. */
export function ball(document) {
  if (document.state === 'REJECTED') return 'Needs you';
  // what waits for another document goes on by itself; a setting, or a number that no order has, is somebody's
  if (document.state === 'HELD') return ['live', document.direction].includes(document.waits_for.split('/')[1]) ? 'Waits' : 'Needs you';
  if (document.state === 'DELIVERED' && document.direction === 'out') return 'With SPS';
  if (['DELIVERED', 'PICKED_UP', 'SKIPPED', 'CANCELLED', 'SUPERSEDED'].includes(document.state)) return 'Done';
  return 'With the connector';
}

export const link = (id) => `#/document?id=${encodeURIComponent(id)}`;
