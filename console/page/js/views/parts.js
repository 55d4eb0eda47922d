// Small things that several views show.

import { h } from '../dom.js';
import { ball, kind, link, money, stateTone, stateWords, time } from '../format.js';

export const badge = (words, tone) => h(tone ? `span.badge.${tone}` : 'span.badge', null, words);
export const state = (document) => badge(stateWords(document.state), stateTone(document.state));
export const empty = (text, ...more) => h('div.quiet', null, h('p', null, text), more);

/** The columns of every list of documents. `names` gives partners their names. */
export const columns = (names = {}) => [
  ['Document', (one) => h('a', { href: link(one.id) }, `${kind(one.type)} ${one.number}`)],
  ['Partner', (one) => names[one.partner]?.name || (one.partner === '-' ? '–' : one.partner)],
  ['State', (one) => [state(one), ' ', h('span.small.quiet', null, ball(one))]],
  ['Why', (one) => h('span.small', null, one.reason.message ?? '')],
  ['Amount', (one) => money(one.amount, one.currency), 'number'],
  ['Last change', (one) => h('span.small', null, time(one.updated))],
];
