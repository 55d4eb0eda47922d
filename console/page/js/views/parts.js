// Small things that several views show.

import { h, prose } from '../dom.js';
import { ago, ball, kind, link, money, stateTone, stateWords, time } from '../format.js';

export const badge = (words, tone) => h(tone ? `span.badge.${tone}` : 'span.badge', null, words);
export const state = (document) => badge(stateWords(document.state), stateTone(document.state));
export const empty = (text, ...more) => h('div.quiet', null, h('p', null, prose(text)), more);

const what = ['Document', (one) => h('a', { href: link(one.id) }, `${kind(one.type)} ${one.number}`)];
const whose = (names) => ['Partner', (one) => names[one.partner]?.name || (one.partner === '-' ? '–' : one.partner)];
export const fix = (text) => (text ? h('div.small.quiet', null, 'What to do: ', prose(text), '.') : null);

/** The columns of what waits for somebody: why, and what to do. */
export const waiting = (names) => [
  what, whose(names),
  ['Why', (one) => [h('div', null, state(one), ' ', one.reason.message ?? ''), fix(one.reason.fix)]],
  ['Amount', (one) => money(one.amount, one.currency), 'number'],
  ['Waits since', (one) => h('time.small.whole', { datetime: one.entered, title: time(one.entered) }, ago(one.entered))],
];

/** The columns of every list of documents. `names` gives partners their names. */
export const columns = (names = {}) => [
  what, whose(names),
  ['State', (one) => [state(one), ' ', h('span.small.quiet', null, ball(one))]],
  ['Why', (one) => h('span.small', null, one.reason.message ?? '')],
  ['Amount', (one) => money(one.amount, one.currency), 'number'],
  ['Since', (one) => h('span.small', null, time(one.entered))],
];
